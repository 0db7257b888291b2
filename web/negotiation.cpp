#include "web/negotiation.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

// How closely a media range describes a type: 0, not at all; 3, by its very name.
int closeness(std::string_view range, std::string_view type) {
  if (equal_without_case(range, type)) return 3;
  std::string_view const family = type.substr(0, type.find('/') + 1);
  if (range.ends_with("/*") && equal_without_case(range.substr(0, range.size() - 1), family)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

double weight_in(std::string_view parameters) {
  while (auto const parameter = take_parameter(parameters)) {
    if (parameter->name != "q") continue;
    std::string_view const text = parameter->value;
    double weight = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), weight);
    return read.ec == std::errc{} && weight >= 0 && weight <= 1 ? weight : 0;
  }
  return 1;
}

// What the range says that describes the type most closely; nothing if there is none.
struct Wish {
  double weight = 0;
  int closeness = 0;
};
Wish wish_for(std::string_view type, std::string_view accept) {
  Wish wish;
  for (std::string_view const element : list_elements(accept)) {
    std::size_t const end = std::min(element.find(';'), element.size());
    int const close = closeness(trimmed(element.substr(0, end)), type);
    if (close <= wish.closeness) continue;
    wish = {weight_in(element.substr(end)), close};
  }
  return wish;
}

}  // namespace

bool prefers_html(Request const& request) {
  auto const accept = request.header("accept");
  if (!accept) return false;
  Wish const html = wish_for("text/html", *accept);
  Wish const json = wish_for("application/json", *accept);
  if (html.weight != json.weight) return html.weight > json.weight;
  return html.weight > 0 && html.closeness > json.closeness;
}

bool prefers_spanish(Request const& request) {
  auto const languages = trimmed(request.header("accept-language").value_or(""));
  std::string_view const first = languages.substr(0, languages.find_first_of(",;- "));
  return equal_without_case(first, "es");
}

}  // namespace chisme::web
