#include "cluster/catalogue/expiry.hpp"

#include <algorithm>
#include <limits>

#include "cluster/base/check.hpp"

namespace chisme::cluster {
namespace {

std::optional<WallTime> expiry_in_trash(std::string_view name) {
  if (!name.starts_with(trash_prefix)) return std::nullopt;
  auto const place = parse_trash_id(name.substr(trash_prefix.size()));
  return place ? std::optional{place->expires} : std::nullopt;
}

}  // namespace

std::optional<WallTime> expiry_of(PutRecord const& file) {
  auto const of_type = split_expiry(file.type).expires;
  auto const of_name = expiry_in_trash(file.name);
  if (of_type && of_name) return std::min(*of_type, *of_name);
  return of_type ? of_type : of_name;
}

bool has_expired(PutRecord const& file, WallTime now) {
  auto const expires = expiry_of(file);
  return expires && *expires <= now;
}

Version version_behind(Version const& version) {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  Version behind = version;
  if (++behind.writer.low != 0 || ++behind.writer.high != 0) return behind;
  if (version.time == last) return version;  // the last of all
  ++behind.time;
  return behind;
}

DeleteRecord expiry_removal(PutRecord const& file) {
  auto const expires = expiry_of(file);
  CHECK(expires.has_value());
  return {file.name, version_behind(file.version), *expires};
}

bool is_expiry_removal(DeleteRecord const& removal, PutRecord const& file) {
  return removal.version == version_behind(file.version);
}

}  // namespace chisme::cluster
