#include "web/http/fields.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view line_end = "\r\n";

bool is_named(std::string_view line, std::string_view name) {
  return line.starts_with(name) && line.substr(name.size()).starts_with(": ");
}

}  // namespace

void Fields::remove(std::string_view name) {
  for (std::size_t at = 0; at < text_.size();) {
    std::size_t const end = text_.find(line_end, at) + line_end.size();
    if (is_named(std::string_view{text_}.substr(at), name)) {
      text_.erase(at, end - at);
    } else {
      at = end;
    }
  }
}

std::string Fields::values(std::string_view name) const {
  std::string found;
  for (std::size_t at = 0; at < text_.size();) {
    std::size_t const end = text_.find(line_end, at);
    std::string_view const line = std::string_view{text_}.substr(at, end - at);
    if (is_named(line, name)) {
      found.append(found.empty() ? "" : " | ").append(line.substr(name.size() + 2));
    }
    at = end + line_end.size();
  }
  return found;
}

}  // namespace chisme::web
