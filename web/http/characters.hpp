#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The small pieces of HTTP's grammar (RFC 9110, 5.6).
namespace chisme::web {

// tchar: what a token is made of.
[[nodiscard]] bool is_token_character(char c);
[[nodiscard]] char to_lower(char c);
[[nodiscard]] bool equal_without_case(std::string_view a, std::string_view b);
// Without the spaces and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// The elements of a comma-separated list, trimmed, without empty ones; commas within quoted strings
// do not separate.
[[nodiscard]] std::vector<std::string_view> list_elements(std::string_view text);
// Whether the list has that element, in any case.
[[nodiscard]] bool list_has(std::string_view list, std::string_view element);

// Takes a parameter `name=value` or `name="value"` and the `;` before it off the front of `text`.
// nullopt when there is none or it is malformed; the end of `text` is reached when it is empty.
struct Parameter {
  std::string name;   // in lower case
  std::string value;  // without quotes and backslashes
};
[[nodiscard]] std::optional<Parameter> take_parameter(std::string_view& text);

}  // namespace chisme::web
