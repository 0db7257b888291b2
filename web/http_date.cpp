#include "web/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace chisme::web {
namespace {

constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void add_two_digits(std::string& text, auto count) {
  auto const value = static_cast<unsigned>(count);
  text += static_cast<char>('0' + value / 10 % 10);
  text += static_cast<char>('0' + value % 10);
}

std::optional<unsigned> number(std::string_view digits) {
  unsigned value = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

WallTime tellable(WallTime time) {
  constexpr std::chrono::sys_days first{std::chrono::year{0} / 1 / 1};
  constexpr std::chrono::sys_days end{std::chrono::year{10'000} / 1 / 1};
  return std::clamp(time, WallTime{first.time_since_epoch()},
                    WallTime{end.time_since_epoch() - std::chrono::milliseconds{1}});
}

std::string http_date(WallTime time) {
  auto const since_epoch =
      std::chrono::floor<std::chrono::seconds>(tellable(time).time_since_epoch());
  auto const days = std::chrono::floor<std::chrono::days>(since_epoch);
  std::chrono::sys_days const day{days};
  std::chrono::year_month_day const date{day};
  std::chrono::hh_mm_ss const clock{since_epoch - days};
  std::string text;
  text.reserve(30);
  text += weekdays[std::chrono::weekday{day}.c_encoding()];
  text += ", ";
  add_two_digits(text, static_cast<unsigned>(date.day()));
  text += ' ';
  text += months[static_cast<unsigned>(date.month()) - 1];
  text += ' ';
  add_two_digits(text, static_cast<int>(date.year()) / 100);
  add_two_digits(text, static_cast<int>(date.year()) % 100);
  text += ' ';
  add_two_digits(text, clock.hours().count());
  text += ':';
  add_two_digits(text, clock.minutes().count());
  text += ':';
  add_two_digits(text, clock.seconds().count());
  text += " GMT";
  return text;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  auto const month = std::find(months.begin(), months.end(), text.substr(8, 3));
  auto const day = number(text.substr(5, 2));
  auto const year = number(text.substr(12, 4));
  auto const hour = number(text.substr(17, 2));
  auto const minute = number(text.substr(20, 2));
  auto const second = number(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  std::chrono::year_month_day const date{
      std::chrono::year{static_cast<int>(*year)},
      std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
      std::chrono::day{*day}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{*hour} +
                  std::chrono::minutes{*minute} + std::chrono::seconds{*second}};
}

}  // namespace chisme::web
