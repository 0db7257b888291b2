#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"

namespace chisme::node::cli {

inline constexpr int inherited_link = 3;

struct NodeCommand {
  std::vector<std::string> arguments;  // of `chisme`, beginning with "node"
  std::filesystem::path log;           // takes what the node prints, at its end
  int link = -1;                       // becomes its descriptor `inherited_link`; -1: none
};

// Starts this very program once more. The new process dies with its parent, has no terminal
// signals of its own (Ctrl-C is the parent's to deal with) and no standard input.
[[nodiscard]] Result<pid_t> start_process(NodeCommand const& command);

// What is at the end of a log: its last line that is not empty.
[[nodiscard]] std::string last_line(std::filesystem::path const& log);

// "ended with code 1", "was ended by signal 9 (Killed)".
[[nodiscard]] std::string describe_end(int wait_status);

// Whether TCP and UDP sockets could be bound there now. Fault: invalid, with a sentence that names
// the port.
[[nodiscard]] Result<void> check_port_is_free(unsigned port);

}  // namespace chisme::node::cli
