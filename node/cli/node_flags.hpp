#pragma once

#include <CLI/App.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/cli/node_options.hpp"

// What the commands that run one node share.
namespace chisme::node::cli {

// What was given on the command line. Lives as long as the command that it was added to.
struct NodeFlags {
  std::string config_file;
  std::map<std::string, std::vector<std::string>> values;  // by key
  std::optional<int> parent_socket;
};

void add_node_flags(CLI::App& command, NodeFlags& flags);

// Runs a node with these, the environment, the configuration file, and what `weakest` gives, which
// counts where none of them says anything. Returns the exit code of the process.
[[nodiscard]] int run_node_with(NodeFlags const& flags, Layer weakest = {});
// The value of a key that all of these together give; empty when none does.
[[nodiscard]] Result<std::string> value_of(NodeFlags const& flags, std::string const& key);

}  // namespace chisme::node::cli
