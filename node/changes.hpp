#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/config.hpp"

// What of its configuration a node changes while it runs (SIGHUP), and what needs a restart.
namespace chisme::node {

// Of `wanted` what a running node changes; the rest is as it is in `running`.
[[nodiscard]] NodeConfig changed_while_running(NodeConfig running, NodeConfig const& wanted);
// The key, as configuration files spell it, is about something that this changes.
[[nodiscard]] bool changes_while_running(std::string_view key);

// What a configuration says when it is read again.
struct NewConfig {
  NodeConfig config;
  // Keys that change while the node runs and have other values than the last time, and others that
  // have other values than when it started.
  std::vector<std::string> changed;
  // To be called when the node took it: the next time is compared with it.
  std::function<void()> taken;
};
// Reads it again. Fault: invalid, with a sentence.
using ReadConfigAgain = std::function<Result<NewConfig>()>;

}  // namespace chisme::node
