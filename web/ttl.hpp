#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "cluster/base/result.hpp"

// How long a file is to be kept, as clients say it: `?ttl=7d`, a form's field, tus' metadata.
namespace chisme::web {

using TimeToLive = std::chrono::milliseconds;
inline constexpr TimeToLive ttl_min = std::chrono::seconds{1};
inline constexpr TimeToLive ttl_max = std::chrono::days{3650};
// Longer texts are no times: what is read of a form's field.
inline constexpr std::size_t ttl_bytes_max = 32;

// Of "90", "90s", "10m", "24h", "7d", within the bounds above; nullopt of nothing. Fault: invalid,
// with a sentence.
[[nodiscard]] Result<std::optional<TimeToLive>> parse_ttl(std::optional<std::string_view> text);

}  // namespace chisme::web
