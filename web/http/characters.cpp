#include "web/http/characters.hpp"

#include <algorithm>

namespace chisme::web {

bool is_token_character(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string_view trimmed(std::string_view text) {
  std::size_t const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> list_elements(std::string_view text) {
  std::vector<std::string_view> elements;
  std::size_t begin = 0;
  bool quoted = false;
  auto const end_element = [&](std::size_t end) {
    std::string_view const element = trimmed(text.substr(begin, end - begin));
    if (!element.empty()) elements.push_back(element);
    begin = end + 1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      end_element(i);
    }
  }
  end_element(text.size());
  return elements;
}

bool list_has(std::string_view list, std::string_view element) {
  auto const elements = list_elements(list);
  return std::any_of(elements.begin(), elements.end(),
                     [&](std::string_view one) { return equal_without_case(one, element); });
}

namespace {

// Takes a token or a quoted string off the front of `text`.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    std::size_t const end = std::min(text.find_first_of("; \t"), text.size());
    value = text.substr(0, end);
    text.remove_prefix(end);
    return value.empty() ? std::nullopt : std::optional{value};
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    // Browsers do not escape backslashes in file names, so only \" and \\ are escapes.
    bool const escaped =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escaped) ++i;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Parameter> take_parameter(std::string_view& text) {
  std::string_view rest = trimmed(text);
  if (!rest.starts_with(';')) return std::nullopt;
  rest = trimmed(rest.substr(1));
  std::size_t const name_end = std::min(rest.find('='), rest.size());
  Parameter parameter;
  for (char const c : trimmed(rest.substr(0, name_end))) {
    if (!is_token_character(c)) return std::nullopt;
    parameter.name.push_back(to_lower(c));
  }
  if (parameter.name.empty() || name_end == rest.size()) return std::nullopt;
  rest = trimmed(rest.substr(name_end + 1));
  auto value = take_value(rest);
  if (!value) return std::nullopt;
  parameter.value = std::move(*value);
  text = trimmed(rest);
  return parameter;
}

}  // namespace chisme::web
