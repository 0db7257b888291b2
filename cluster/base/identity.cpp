#include "cluster/base/identity.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace chisme {
namespace {

constexpr std::array<std::uint8_t, 12> v4_mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(Endpoint const& endpoint) {
  return std::equal(v4_mapped_prefix.begin(), v4_mapped_prefix.end(), endpoint.address.begin());
}

// Made for each redirect, so not by inet_ntop, which prints a format.
std::string v4_text(std::span<std::uint8_t const, 4> bytes) {
  std::string text;
  for (std::uint8_t const byte : bytes) {
    if (!text.empty()) text += '.';
    text += std::to_string(byte);
  }
  return text;
}

constexpr char digits[] = "0123456789abcdef";

// Sixteen digits from `at` on.
void write_hex(std::uint64_t value, char* at) {
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = digits[value >> shift & 15];
}

void write_hex(NodeId id, char* at) {
  write_hex(id.high, at);
  write_hex(id.low, at + 16);
}

// What each character is as a lower-case hexadecimal digit; 255 if it is none. A start parses some
// for each file.
constexpr auto digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(255);
  for (std::uint8_t i = 0; i < 10; ++i) values[std::size_t{'0'} + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i)
    values[std::size_t{'a'} + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

std::uint8_t digit_of(char c) {
  return digit_values[static_cast<std::uint8_t>(c)];
}

// Exactly `Digits` lower-case hexadecimal digits, nothing else.
template <std::size_t Digits>
std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() != Digits) return std::nullopt;
  std::uint64_t value = 0;
  for (char const c : text) {
    if (digit_of(c) > 15) return std::nullopt;
    value = value << 4 | digit_of(c);
  }
  return value;
}

}  // namespace

std::string to_string(NodeId id) {
  std::string text(32, '\0');
  write_hex(id, text.data());
  return text;
}

std::optional<NodeId> parse_node_id(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  auto const high = parse_hex<16>(text.substr(0, 16));
  auto const low = parse_hex<16>(text.substr(16));
  if (!high || !low) return std::nullopt;
  return NodeId{*high, *low};
}

std::string to_hex(Digest const& digest) {
  std::string text(2 * digest.bytes.size(), '\0');
  char* at = text.data();
  for (std::uint8_t const byte : digest.bytes) {
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
  }
  return text;
}

std::optional<Digest> parse_digest(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
  std::uint8_t not_digits = 0;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    std::uint8_t const high = digit_of(text[2 * i]);
    std::uint8_t const low = digit_of(text[2 * i + 1]);
    not_digits |= high | low;
    digest.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (not_digits > 15) return std::nullopt;
  return digest;
}

std::string to_string(Version const& version) {
  std::string text(49, '-');
  write_hex(version.time, text.data());
  write_hex(version.writer, text.data() + 17);
  return text;
}

std::optional<Version> parse_version(std::string_view text) {
  if (text.size() != 49 || text[16] != '-') return std::nullopt;
  auto const time = parse_hex<16>(text.substr(0, 16));
  auto const writer = parse_node_id(text.substr(17));
  if (!time || !writer) return std::nullopt;
  return Version{*time, *writer};
}

std::string address_text(Endpoint const& endpoint) {
  if (is_v4(endpoint)) return v4_text(std::span{endpoint.address}.last<4>());
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, endpoint.address.data(), text.data(), text.size());
  return text.data();
}

std::string to_string(Endpoint const& endpoint) {
  std::string const address = address_text(endpoint);
  return (is_v4(endpoint) ? address : "[" + address + "]") + ":" + std::to_string(endpoint.port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  std::size_t const colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view const port = text.substr(colon + 1);
  Endpoint endpoint;
  auto const [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  std::string address{text.substr(0, colon)};
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
    if (inet_pton(AF_INET6, address.c_str(), endpoint.address.data()) != 1) return std::nullopt;
    return endpoint;
  }
  std::copy(v4_mapped_prefix.begin(), v4_mapped_prefix.end(), endpoint.address.begin());
  if (inet_pton(AF_INET, address.c_str(), endpoint.address.data() + 12) != 1) return std::nullopt;
  return endpoint;
}

bool is_loopback(Endpoint const& endpoint) {
  if (is_v4(endpoint)) return endpoint.address[12] == 127;
  return std::all_of(endpoint.address.begin(), endpoint.address.end() - 1,
                     [](std::uint8_t byte) { return byte == 0; }) &&
         endpoint.address[15] == 1;
}

}  // namespace chisme
