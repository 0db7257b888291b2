#include "node/log_line.hpp"

#include <array>
#include <charconv>

#include "cluster/base/overloaded.hpp"
#include "web/json.hpp"

namespace chisme::node {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, log_components> component_names{
    "node", "cluster", "peer", "storage", "http", "access"};

// The controls of ASCII, and those of Latin-1 as UTF-8 has them (C2 80 to C2 9F).
bool is_control(std::string_view text, std::size_t at) {
  auto const byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20 || byte == 0x7f) return true;
  if (byte < 0x80 || byte > 0x9f || at == 0) return false;
  return static_cast<unsigned char>(text[at - 1]) == 0xc2;
}

void append_visible(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_control(text, i)) {
      line += text[i];
      continue;
    }
    auto const byte = static_cast<unsigned char>(text[i]);
    line.append("\\x").append({digits[byte >> 4], digits[byte & 15]});
  }
}

std::string number_text(double number) {
  std::array<char, 32> digits;
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                 std::chars_format::general, 6)
                       .ptr;
  return {digits.data(), end};
}

}  // namespace

std::string_view log_name(LogLevel level) {
  return level_names[static_cast<std::size_t>(level)];
}

std::string_view log_name(LogComponent component) {
  return component_names[static_cast<std::size_t>(component)];
}

std::string text_line(LogRecord const& record) {
  std::string line = web::rfc3339(record.at);
  line.append(" ").append(log_name(record.level)).append(" ");
  line.append(log_name(record.component)).append(": ");
  append_visible(line, record.message.substr(0, log_line_bytes_max));
  for (LogField const& field : record.fields) {
    line.append(" ").append(field.name).append("=");
    std::visit(Overloaded{[&](std::string_view text) { append_visible(line, text); },
                          [&](std::uint64_t number) { line += std::to_string(number); },
                          [&](double number) { line += number_text(number); }},
               field.value);
  }
  return line;
}

std::string json_line(LogRecord const& record) {
  std::string line = R"({"time":")" + web::rfc3339(record.at) + R"(","level":")";
  line.append(log_name(record.level)).append(R"(","component":")");
  line.append(log_name(record.component)).append(R"(","message":)");
  line += web::json_string(record.message.substr(0, log_line_bytes_max));
  for (LogField const& field : record.fields) {
    line.append(",\"").append(field.name).append("\":");
    line += std::visit(Overloaded{[](std::string_view text) { return web::json_string(text); },
                                  [](std::uint64_t number) { return std::to_string(number); },
                                  [](double number) { return number_text(number); }},
                       field.value);
  }
  return line + "}";
}

}  // namespace chisme::node
