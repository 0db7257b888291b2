#pragma once

#include <string>
#include <vector>

#include "cluster/base/time.hpp"

namespace chisme::node {

// A node whose core asks for it starts again by itself (cluster::Stop::restart). Should that not
// help, it must not spin: from the second time in a row on it waits first, each time twice as long
// as before. A run that lasted for `lasting_run` ends the row.
inline constexpr Duration lasting_run = std::chrono::minutes{1};
[[nodiscard]] Duration pause_before_restart(unsigned in_a_row);
// How many starts in a row this is; 0: somebody else started it.
[[nodiscard]] unsigned restarts_in_a_row();

// The words that this process was started with; empty when the system does not tell.
[[nodiscard]] std::vector<std::string> own_command_line();

// Runs the same program with `command_line` in this process's place, after the pause that is
// due: whoever watches the process sees no end, and the lock of the data directory goes with the
// descriptors that are closed. This run took `ran`. Returns only when that fails.
void start_again(std::vector<std::string> command_line, Duration ran);

}  // namespace chisme::node
