#pragma once

namespace chisme::node::cli {

// The program `chisme`: chooses the command and runs it. Returns the exit code: 0, 1 failed, 2
// usage.
[[nodiscard]] int run(int count, char const* const* arguments);

}  // namespace chisme::node::cli
