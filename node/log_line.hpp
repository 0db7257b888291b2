#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/base/time.hpp"
#include "node/log_settings.hpp"

// How one line of the log is written. Pure.
namespace chisme::node {

inline constexpr std::size_t log_line_bytes_max = 4096;  // of the message, before escapes

struct LogField {
  std::string_view name;  // letters and `_`
  std::variant<std::string_view, std::uint64_t, double> value;
};

struct LogRecord {
  WallTime at{};
  LogLevel level = LogLevel::info;
  LogComponent component = LogComponent::node;
  std::string_view message;
  std::span<LogField const> fields = {};
};

// "2026-11-23T12:00:00.123Z info http: The disk is full. status=507", without its end of line.
// Control characters, which names and messages of others may have, are written as \xNN, so that a
// line is one line and steers no terminal.
[[nodiscard]] std::string text_line(LogRecord const& record);
// One JSON object: "time", "level", "component", "message", then the fields. What is no UTF-8
// becomes U+FFFD.
[[nodiscard]] std::string json_line(LogRecord const& record);

[[nodiscard]] std::string_view log_name(LogLevel level);
[[nodiscard]] std::string_view log_name(LogComponent component);

}  // namespace chisme::node
