#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"

// Names of files: UTF-8 in NFC, 1 to 1024 bytes, `/` allowed, no control characters, no empty, `.`
// or `..` segment. A name never becomes a path on disk.
namespace chisme::web {

inline constexpr std::size_t name_bytes_max = 1024;

// What the program keeps for itself, as files like all others: no user can give, or see, a name
// that begins so. All other names sort behind `behind_internal`.
inline constexpr std::string_view internal_prefix = "\x01";
inline constexpr std::string_view behind_internal = "\x1f";
[[nodiscard]] constexpr bool is_internal(std::string_view name) {
  return name.starts_with(internal_prefix);
}

// `text` as a name, normalised to NFC. Fault::invalid says which rule it breaks.
[[nodiscard]] Result<std::string> checked_name(std::string_view text);
// The same from a URL's path or query, whose percent escapes are decoded exactly once.
[[nodiscard]] Result<std::string> name_from_url(std::string_view encoded);
// The beginning of a name, for listings: UTF-8 in NFC of at most 1024 bytes; may be empty.
[[nodiscard]] Result<std::string> normalised_prefix(std::string_view text);

// What is the same for all texts that differ only by case (Unicode's folding, in NFC). Fault:
// invalid, when it is not UTF-8.
[[nodiscard]] Result<std::string> folded(std::string_view text);

// Decodes %XX; nullopt for a broken escape.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);
// Encodes all but RFC 3986's unreserved characters and `/`.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// `inline` or `attachment` with the name's last segment (RFC 6266, RFC 8187).
[[nodiscard]] std::string content_disposition(std::string_view kind, std::string_view name);

[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] bool is_ascii(std::string_view text);

}  // namespace chisme::web
