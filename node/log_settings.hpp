#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace chisme::node {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

// What a line of the log is about.
enum class LogComponent : std::uint8_t {
  node,     // the process and its settings
  cluster,  // members, copies, files
  peer,     // connections between nodes
  storage,  // disk and catalogue
  http,     // requests that failed by the node's fault
  access    // every request; shown only if it is asked for by name
};
inline constexpr std::size_t log_components = 6;

// Which lines are shown, and how.
struct LogSettings {
  LogLevel level = LogLevel::info;           // the least that is shown
  std::map<LogComponent, LogLevel> of = {};  // instead of `level`
  LogFormat format = LogFormat::text;
  friend bool operator==(LogSettings const&, LogSettings const&) = default;
};

}  // namespace chisme::node
