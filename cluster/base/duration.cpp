#include "cluster/base/duration.hpp"

#include <charconv>

namespace chisme {

std::optional<double> parse_seconds(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr Unit units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  double factor = 1;
  for (Unit const& unit : units) {
    if (text.size() <= unit.name.size() || !text.ends_with(unit.name)) continue;
    factor = unit.seconds;
    text.remove_suffix(unit.name.size());
    break;
  }
  double number = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number * factor;
}

}  // namespace chisme
