#pragma once

#include "node/changes.hpp"
#include "node/config.hpp"

namespace chisme::node {

// Runs one node until SIGTERM, SIGINT or the protocol ends it; SIGHUP makes it read the secret
// file, the certificate and, by `read_again`, its configuration again. Returns the process's exit
// code: 0 after a stop, 1 when it could not start or had to end (one sentence on standard error
// says why).
//
// Prints `ready http://127.0.0.1:7701 peer 127.0.0.1:8701 id <32 hex digits>` on standard output
// once it takes requests (with https:// if it has a certificate). Call it once per process, from
// the main thread. REQUIRES: `check` accepts the configuration.
[[nodiscard]] int run_node(NodeConfig config, ReadConfigAgain read_again = {});

}  // namespace chisme::node
