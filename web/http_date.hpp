#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/time.hpp"

namespace chisme::web {

// The nearest time whose year has four digits: clocks of nodes may show anything, and a file's date
// is what the clock of its writer showed.
[[nodiscard]] WallTime tellable(WallTime time);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7); fractions of a second are dropped.
[[nodiscard]] std::string http_date(WallTime time);
// Takes that form alone, not the obsolete ones.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace chisme::web
