#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

// How the values of which messages are made are read and written by the archives of archives.hpp:
// each struct's fields in order. Their names are cereal's.
namespace chisme {

template <class Archive, class Tag, class Rep>
void save(Archive& archive, Strong<Tag, Rep> const& strong) {
  archive(strong.value());
}
template <class Archive, class Tag, class Rep>
void load(Archive& archive, Strong<Tag, Rep>& strong) {
  Rep value{};
  archive(value);
  strong = Strong<Tag, Rep>{value};
}
template <class Archive>
void save(Archive& archive, WallTime const& time) {
  archive(static_cast<std::int64_t>(time.time_since_epoch().count()));
}
template <class Archive>
void load(Archive& archive, WallTime& time) {
  std::int64_t milliseconds = 0;
  archive(milliseconds);
  time = WallTime{std::chrono::milliseconds{milliseconds}};
}
template <class Archive>
void serialize(Archive& archive, NodeId& id) {
  archive(id.high, id.low);
}
template <class Archive, std::size_t size>
void serialize_bytes(Archive& archive, std::array<std::uint8_t, size>& bytes) {
  if constexpr (Archive::is_saving::value) {
    archive.write(bytes.data(), size);
  } else {
    archive.read(bytes.data(), size);
  }
}
template <class Archive>
void serialize(Archive& archive, Digest& digest) {
  serialize_bytes(archive, digest.bytes);
}
template <class Archive>
void serialize(Archive& archive, Version& version) {
  archive(version.time, version.writer);
}
template <class Archive>
void serialize(Archive& archive, Endpoint& endpoint) {
  serialize_bytes(archive, endpoint.address);
  archive(endpoint.port);
}

}  // namespace chisme
