#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/time.hpp"

// When a file's record stops counting, and where that is written: not in a field of its own, which
// programs of earlier versions would not understand, but at the end of its media type, or in its
// name. Whoever makes a record, shows one or removes one must read it alike. Pure.
namespace chisme {

// ---- Files that were given a time to live

// What a record has room for as a media type, with all that is kept behind it.
inline constexpr std::size_t type_bytes_max = 127;

// `video/mp4;expires=1700000000000`: milliseconds since the Unix epoch, always of 13 digits, so
// that one look from the end is enough.
struct ExpiringType {
  std::string_view type;
  std::optional<WallTime> expires;
};
[[nodiscard]] ExpiringType split_expiry(std::string_view kept);
// `type` with that time instead of any that is written at its end; nullopt when there is no room
// for it, or its time has not 13 digits (it is before 2001 or after 2286).
[[nodiscard]] std::optional<std::string> with_expiry(std::string_view type,
                                                     std::optional<WallTime> expires);

// ---- Removed files that are kept for a while

// Such a file has the name `\x01trash/ID`, where the ID is `D-E-N/NAME`: all that is to be known of
// it, so that its media type stays as it is. D says when it was removed, counted down, so that
// names are in order of removal, the last first; E until when it is kept; both are milliseconds
// since the Unix epoch in 12 hexadecimal digits, and N, 8 more, tells apart what was removed at
// once.
inline constexpr std::string_view trash_prefix = "\x01trash/";
struct TrashPlace {
  WallTime removed{};
  WallTime expires{};
  std::uint32_t number = 0;
  std::string_view name;  // that it had, and gets again
};
[[nodiscard]] std::string to_trash_id(TrashPlace const& place);
// nullopt for anything that `to_trash_id` does not write. Points into `id`.
[[nodiscard]] std::optional<TrashPlace> parse_trash_id(std::string_view id);
// How much longer than a name its name in the trash is.
inline constexpr std::size_t trash_name_bytes = trash_prefix.size() + 12 + 1 + 12 + 1 + 8 + 1;

}  // namespace chisme
