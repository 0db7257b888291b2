#pragma once

#include <optional>
#include <string_view>

namespace chisme {

// Seconds of "90", "1.5", "500ms", "90s", "10m", "24h", "25d"; nullopt for anything else.
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);

}  // namespace chisme
