#include "web/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

// Digits alone; more than 64 bits of them are the largest number.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  bool const valid = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  if (!valid) return std::nullopt;
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max()
                                                 : value;
}

RangeAnswer suffix(std::string_view digits, std::uint64_t size) {
  auto const wanted = parse_position(digits);
  if (!wanted) return WholeFile{};
  if (*wanted == 0 || size == 0) return Unsatisfiable{};
  std::uint64_t const length = std::min(*wanted, size);
  return ByteRange{ByteOffset{size - length}, ByteCount{length}};
}

}  // namespace

RangeAnswer parse_range(std::string_view header, ByteCount size) {
  std::size_t const equals = header.find('=');
  if (equals == std::string_view::npos) return WholeFile{};
  if (!equal_without_case(trimmed(header.substr(0, equals)), "bytes")) return WholeFile{};
  auto const specs = list_elements(header.substr(equals + 1));
  if (specs.size() != 1) return WholeFile{};
  std::size_t const dash = specs[0].find('-');
  if (dash == std::string_view::npos) return WholeFile{};
  std::string_view const last_text = specs[0].substr(dash + 1);
  if (dash == 0) return suffix(last_text, size.value());
  auto const first = parse_position(specs[0].substr(0, dash));
  auto const last =
      last_text.empty() ? std::numeric_limits<std::uint64_t>::max() : parse_position(last_text);
  if (!first || !last || *last < *first) return WholeFile{};
  if (*first >= size.value()) return Unsatisfiable{};
  std::uint64_t const end = std::min(*last, size.value() - 1);
  return ByteRange{ByteOffset{*first}, ByteCount{end - *first + 1}};
}

}  // namespace chisme::web
