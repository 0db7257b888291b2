#pragma once

#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/config.hpp"

namespace chisme::node {

// Before the first thread, a node gives up what it will not need, so that who takes it over has
// little: root's rights (process_user.hpp), being looked into by others of its user while it knows
// a secret, rights that executed programs bring, and all files (landlock.hpp) except
//  - its data directory, which is made if there is none,
//  - to read: the directories of the secret and of the configuration file, and of what they lead
//    to, for a file that is replaced is another one; the time zones, and what its libraries read;
//    /etc, if it is to join hosts by name,
//  - to execute: this program, with which a node starts again.
//
// Returns what an operator should know, a sentence each, to be logged as warnings. Fault: the node
// must not start, and a sentence says why. Call it once, before any other thread runs.
[[nodiscard]] Result<std::vector<std::string>> confine_process(NodeConfig const& config);

}  // namespace chisme::node
