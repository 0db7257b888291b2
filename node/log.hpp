#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "node/log_line.hpp"
#include "node/log_settings.hpp"

// The log: one line per event that an operator would act on, to standard error, written by a thread
// of its own. Bounded: when it cannot keep up, the oldest lines are dropped and counted; a line
// that is said again and again is left out and counted (log_repeats.hpp); a line has at most
// `log_line_bytes_max`. No secret, token or share link may be given to it. Thread-safe.
namespace chisme::node::log {

using Field = LogField;

// Begins logging; before it (and after `stop`) lines are dropped.
void start(LogSettings const& settings);
// Which lines are shown from now on; the format stays.
void set_levels(LogSettings const& settings);
// Writes what is queued.
void stop();

// Whether a line would be looked at: asked before one is made that costs something. One load.
[[nodiscard]] bool shows(LogComponent component, LogLevel level);
void write(LogComponent component, LogLevel level, std::string_view line,
           std::span<Field const> fields = {});

// Lines of the component `node`.
void debug(std::string_view line);
void info(std::string_view line);
void warning(std::string_view line);
void error(std::string_view line);
void debug(LogComponent component, std::string_view line);
void info(LogComponent component, std::string_view line);
void warning(LogComponent component, std::string_view line);
void error(LogComponent component, std::string_view line);

// Tells how many lines were left out whose time is over. Costs next to nothing when there are none;
// `write` does it too.
void sum_up();

// Lines that were dropped, because they came too fast, and left out, because they had been said,
// since the start.
[[nodiscard]] std::uint64_t dropped();
[[nodiscard]] std::uint64_t left_out();

}  // namespace chisme::node::log
