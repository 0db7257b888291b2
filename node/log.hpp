#pragma once

#include <cstdint>
#include <string_view>

#include "node/config.hpp"

// The log: one line per event that an operator would act on, to standard error, written by a thread
// of its own. Bounded: when it cannot keep up, the oldest lines are dropped and counted.
// Thread-safe.
namespace chisme::node::log {

// Begins logging; before it (and after `stop`) lines are dropped. `level` is the least that is
// shown.
void start(LogLevel level);
// The least that is shown from now on.
void set_level(LogLevel level);
// Writes what is queued.
void stop();

void debug(std::string_view line);
void info(std::string_view line);
void warning(std::string_view line);
void error(std::string_view line);

// Lines that were dropped since the start.
[[nodiscard]] std::uint64_t dropped();

}  // namespace chisme::node::log
