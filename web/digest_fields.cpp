#include "web/digest_fields.hpp"

#include <cstdint>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t base64_digest_size = 44;  // 43 digits of 32 bytes, and one `=`

std::optional<Digest> digest_of_base64(std::string_view text) {
  if (text.size() != base64_digest_size || text.back() != '=') return std::nullopt;
  Digest digest;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  std::size_t filled = 0;
  for (char const c : text.substr(0, text.size() - 1)) {
    std::size_t const value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    digest.bytes[filled++] = static_cast<std::uint8_t>(bits >> bit_count);
  }
  // 43 digits are 258 bits: the last two must be zero (RFC 4648, 3.5).
  if ((bits & 3u) != 0) return std::nullopt;
  return digest;
}

}  // namespace

std::string base64(Digest const& digest) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (std::uint8_t const byte : digest.bytes) {
    bits = bits << 8 | byte;
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text.push_back(alphabet[bits >> bit_count & 63]);
    }
  }
  text.push_back(alphabet[bits << (6 - bit_count) & 63]);
  return text + "=";
}

std::string repr_digest(Digest const& digest) {
  return "sha-256=:" + base64(digest) + ":";
}

Result<std::optional<Digest>> parse_digest_field(std::string_view field) {
  std::optional<Digest> found;
  for (std::string_view const element : list_elements(field)) {
    std::size_t const equals = element.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equal_without_case(trimmed(element.substr(0, equals)), "sha-256")) continue;
    std::string_view const value = trimmed(element.substr(equals + 1));
    bool const delimited = value.size() >= 2 && value.front() == ':' && value.back() == ':';
    if (delimited) found = digest_of_base64(value.substr(1, value.size() - 2));
    if (!delimited || !found) {
      return fail(Fault::invalid, "the announced sha-256 is not 32 bytes in base64 between colons");
    }
  }
  return found;
}

Result<std::optional<Digest>> announced_digest(Request const& request) {
  std::optional<Digest> announced;
  for (Header const& header : request.headers) {
    bool const relevant = equal_without_case(header.name, "repr-digest") ||
                          equal_without_case(header.name, "content-digest");
    if (!relevant) continue;
    auto const digest = parse_digest_field(header.value);
    if (!digest) return digest;
    if (announced && *digest && *announced != **digest) {
      return fail(Fault::invalid, "the announced digests differ");
    }
    if (*digest) announced = *digest;
  }
  return announced;
}

}  // namespace chisme::web
