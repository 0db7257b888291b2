#include "web/target.hpp"

#include <algorithm>

#include "web/names.hpp"

namespace chisme::web {
namespace {

std::optional<std::string> query_text(std::string_view encoded) {
  std::string spaced{encoded};
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decoded(spaced);
}

}  // namespace

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  for (auto const& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  for (std::string_view const scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    std::size_t const end = std::min(text.find_first_of("/?#"), text.size());
    target.authority = text.substr(0, end);
    text.remove_prefix(end);
  }
  text = text.substr(0, text.find('#'));
  std::size_t const question = std::min(text.find('?'), text.size());
  target.path = text.substr(0, question);
  if (target.path.empty()) target.path = "/";
  std::string_view rest = text.substr(std::min(question + 1, text.size()));
  while (!rest.empty()) {
    std::string_view const pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    std::size_t const equals = std::min(pair.find('='), pair.size());
    auto key = query_text(pair.substr(0, equals));
    auto value = query_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) return std::nullopt;
    target.query.emplace_back(std::move(*key), std::move(*value));
  }
  return target;
}

}  // namespace chisme::web
