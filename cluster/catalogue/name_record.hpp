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

}  // namespace chisme::cluster
