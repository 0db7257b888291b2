#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace chisme::web {

// The tags of a page with the names of their attributes, each on a line. nullopt when there is
// something that a page of ours never has: a quote or bracket that is not of a tag, an attribute
// without double quotes, an entity that is none.
[[nodiscard]] inline std::optional<std::string> markup_of(std::string_view page) {
  constexpr std::string_view entities[] = {"&amp;", "&lt;",  "&gt;",  "&quot;",
                                           "&#39;", "&#13;", "&#10;", "&#9;"};
  std::string markup;
  bool in_tag = false;
  bool in_value = false;
  for (std::size_t i = 0; i < page.size(); ++i) {
    char const c = page[i];
    if (c == '&') {
      bool known = false;
      for (auto const entity : entities) known = known || page.substr(i).starts_with(entity);
      if (!known) return std::nullopt;
    } else if (c == '<') {
      if (in_tag) return std::nullopt;
      in_tag = true;
    } else if (c == '>') {
      if (!in_tag || in_value) return std::nullopt;
      in_tag = false;
      markup += '\n';
    } else if (c == '"') {
      if (!in_tag) return std::nullopt;
      in_value = !in_value;
      markup += c;
    } else if (c == '\'') {
      return std::nullopt;
    } else if (in_tag && !in_value) {
      markup += c;
    }
  }
  return in_tag ? std::nullopt : std::optional{markup};
}

}  // namespace chisme::web
