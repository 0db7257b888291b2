#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "node/cli/http_client.hpp"

// Proves failover on a running cluster: a probe file is stored, streamed, and the node that streams
// it is killed.
namespace chisme::node::cli {

struct Proof {
  std::string victim;                    // URL of the node that served the stream
  std::string how;                       // "killed", or "hung up on"
  double gap_seconds = 0;                // the longest time without a byte, once the node was gone
  std::uint64_t bytes = 0;               // of the stream
  std::uint64_t bytes_lost = 0;          // that did not come, or came wrong
  std::optional<double> repair_seconds;  // until there were as many copies as before
  std::string repair;                    // why that was not waited for, otherwise
};

// Kills only in a local cluster, that of `chisme up`, and starts that node again. Elsewhere nothing
// is done to any node: the stream hangs up on it and goes on at the others, as if it were gone. The
// probe is removed, whatever happens.
// Faults: invalid (too few nodes, or not allowed), unavailable, io.
[[nodiscard]] Result<Proof> prove_failover(HttpClient& client);

}  // namespace chisme::node::cli
