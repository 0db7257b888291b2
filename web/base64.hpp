#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chisme::web {

// RFC 4648, 4, with padding.
[[nodiscard]] std::string base64_encoded(std::span<std::uint8_t const> bytes);
// Strict: nullopt for other characters, missing padding, or bits that are not zero at the end.
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace chisme::web
