#include "web/base64.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encoded(std::span<std::uint8_t const> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* at = text.data();
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (std::uint8_t const byte : bytes) {
    bits = bits << 8 | byte;
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      *at++ = alphabet[bits >> bit_count & 63];
    }
  }
  if (bit_count > 0) *at = alphabet[bits << (6 - bit_count) & 63];
  return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (char const c : text) {
    std::size_t const value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes.push_back(static_cast<char>(bits >> bit_count & 0xff));
  }
  bool const ends_well = (bits & ((1u << bit_count) - 1)) == 0;
  return ends_well ? std::optional{std::move(bytes)} : std::nullopt;
}

}  // namespace chisme::web
