#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/config.hpp"

// What a node is told, from three sources: flags, the environment, one TOML file.
namespace chisme::node::cli {

// A key has one name in three spellings: `max_file_size` in the file, --max-file-size,
// CHISME_MAX_FILE_SIZE.
struct NodeKey {
  std::string name;
  std::string help;
  bool repeatable = false;
  bool is_switch = false;  // "true" or "false"; the flag has no value
};
[[nodiscard]] std::vector<NodeKey> const& node_keys();
[[nodiscard]] std::string flag_of(NodeKey const& key);
[[nodiscard]] std::string variable_of(NodeKey const& key);

// The values that one source gives, by key, each with where it stands ("--listen").
struct Given {
  std::string where;
  std::vector<std::string> values;
};
using Layer = std::map<std::string, Given>;

// Variables that are no key are not looked at: others too make names that begin with CHISME_
// (Kubernetes for each service).
[[nodiscard]] Layer read_environment(
    std::function<char const*(std::string const& variable)> const& lookup);
// Of each key what the last layer says that has it.
[[nodiscard]] Layer merged(std::vector<Layer> const& weakest_first);
// What is wrong with the values, each for itself, as sentences that name their places.
[[nodiscard]] std::vector<std::string> complaints_about(Layer const& layer);

// Of each key the value of the last layer that gives it; the defaults for the rest. Fault: invalid,
// with a sentence that names the place of the value.
[[nodiscard]] Result<NodeConfig> make_config(std::vector<Layer> const& weakest_first);

}  // namespace chisme::node::cli
