#pragma once

#include <string>
#include <variant>

#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// The name that a record of a names log is about. REQUIRES: a Put or a Delete.
[[nodiscard]] inline std::string const& name_of(CatalogueRecord const& record) {
  auto const* const put = std::get_if<PutRecord>(&record.change);
  return put != nullptr ? put->name : std::get<DeleteRecord>(record.change).name;
}

// The version that it gives the name. REQUIRES: a Put or a Delete.
[[nodiscard]] inline Version const& version_of(CatalogueRecord const& record) {
  auto const* const put = std::get_if<PutRecord>(&record.change);
  return put != nullptr ? put->version : std::get<DeleteRecord>(record.change).version;
}

// The object that a record of a holdings log is about. REQUIRES: a Have or a Drop.
[[nodiscard]] inline Digest const& digest_of(CatalogueRecord const& record) {
  auto const* const have = std::get_if<HaveRecord>(&record.change);
  return have != nullptr ? have->digest : std::get<DropRecord>(record.change).digest;
}

// A record that is kept only so that what it supersedes does not come back.
[[nodiscard]] inline bool is_tombstone(CatalogueRecord const& record) {
  return std::holds_alternative<DeleteRecord>(record.change) ||
         std::holds_alternative<DropRecord>(record.change);
}

[[nodiscard]] inline LogPosition position_of(CatalogueRecord const& record) {
  return {.writer = record.dot.writer,
          .log = log_of(record.change),
          .epoch = record.dot.epoch,
          .sequence = record.dot.sequence};
}

}  // namespace chisme::cluster
