#include "cluster/base/expiry.hpp"

#include <algorithm>
#include <charconv>

namespace chisme {
namespace {

constexpr std::string_view opening = ";expires=";
constexpr std::size_t expiry_digits = 13;
constexpr std::size_t time_digits = 12;
constexpr std::size_t number_digits = 8;
constexpr std::uint64_t last_time = (std::uint64_t{1} << 48) - 1;

std::optional<std::uint64_t> number_in(std::string_view text, int base) {
  std::uint64_t number = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  bool const whole = fault == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional{number} : std::nullopt;
}

// Lower case only, as it is written: one place has one name.
std::optional<std::uint64_t> hex_in(std::string_view text) {
  bool const is_hex = text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_hex ? number_in(text, 16) : std::nullopt;
}

std::string hex_of(std::uint64_t number, std::size_t width) {
  constexpr char figures[] = "0123456789abcdef";
  std::string text(width, '0');
  for (std::size_t i = width; i-- > 0; number >>= 4) text[i] = figures[number & 15];
  return text;
}

WallTime wall_time(std::uint64_t milliseconds) {
  return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(milliseconds)}};
}

std::uint64_t milliseconds_of(WallTime time) {
  auto const count = std::max<std::int64_t>(0, time.time_since_epoch().count());
  return std::min(static_cast<std::uint64_t>(count), last_time);
}

}  // namespace

ExpiringType split_expiry(std::string_view kept) {
  constexpr std::size_t size = opening.size() + expiry_digits;
  if (kept.size() < size || kept.substr(kept.size() - size, opening.size()) != opening) {
    return {kept, std::nullopt};
  }
  std::string_view const text = kept.substr(kept.size() - expiry_digits);
  bool const is_time = text.find_first_not_of("0123456789") == std::string_view::npos;
  auto const time = is_time ? number_in(text, 10) : std::nullopt;
  if (!time) return {kept, std::nullopt};
  return {kept.substr(0, kept.size() - size), wall_time(*time)};
}

std::optional<std::string> with_expiry(std::string_view type, std::optional<WallTime> expires) {
  std::string kept{type};
  // One behind another would become it.
  for (auto split = split_expiry(kept); split.expires; split = split_expiry(kept)) {
    kept.resize(split.type.size());
  }
  if (!expires) return kept;
  std::string const time = std::to_string(expires->time_since_epoch().count());
  bool const fits = time.size() == expiry_digits &&
                    kept.size() + opening.size() + expiry_digits <= type_bytes_max;
  if (!fits || time.front() == '-') return std::nullopt;
  return kept.append(opening).append(time);
}

std::string to_trash_id(TrashPlace const& place) {
  std::string id = hex_of(last_time - milliseconds_of(place.removed), time_digits);
  id += '-' + hex_of(milliseconds_of(place.expires), time_digits);
  id += '-' + hex_of(place.number, number_digits) + '/';
  return id.append(place.name);
}

std::optional<TrashPlace> parse_trash_id(std::string_view id) {
  constexpr std::size_t second = time_digits + 1;
  constexpr std::size_t third = second + time_digits + 1;
  constexpr std::size_t name = third + number_digits + 1;
  bool const has_parts =
      id.size() > name && id[second - 1] == '-' && id[third - 1] == '-' && id[name - 1] == '/';
  if (!has_parts) return std::nullopt;
  auto const removed = hex_in(id.substr(0, time_digits));
  auto const expires = hex_in(id.substr(second, time_digits));
  auto const number = hex_in(id.substr(third, number_digits));
  if (!removed || !expires || !number) return std::nullopt;
  return TrashPlace{wall_time(last_time - *removed), wall_time(*expires),
                    static_cast<std::uint32_t>(*number), id.substr(name)};
}

}  // namespace chisme
