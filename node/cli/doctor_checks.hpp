#pragma once

#include <string>
#include <vector>

#include "node/cli/http_client.hpp"

// What `chisme doctor` looks at without changing anything. Each finding is a sentence that says
// what to do when something is wrong.
namespace chisme::node::cli {

struct Finding {
  enum class State { fine, warning, wrong };
  std::string check;  // one word: "clock"
  std::string node;   // whom it is about; empty: the cluster
  State state = State::fine;
  std::string sentence;
};
[[nodiscard]] char const* to_string(Finding::State state);

// Asks the named nodes and all that they know of. Bounded: each node is asked a few times, for
// seconds. Fault: unavailable, when none of the named answers.
[[nodiscard]] Result<std::vector<Finding>> examine(HttpClient& client);

// How the clocks of nodes differ, from each one's seconds ahead of this machine: pure.
struct ClockReading {
  std::string node;
  double ahead_seconds = 0;
};
[[nodiscard]] std::vector<Finding> judge_clocks(std::vector<ClockReading> const& readings);

}  // namespace chisme::node::cli
