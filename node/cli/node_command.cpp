#include <cstdlib>
#include <memory>
#include <optional>

#include "node/cli/command.hpp"
#include "node/cli/node_options.hpp"
#include "node/failpoint.hpp"
#include "node/node.hpp"

namespace chisme::node::cli {
namespace {

struct Flags {
  std::string config_file;
  std::map<std::string, std::vector<std::string>> values;  // by key
  std::optional<int> parent_socket;
};

Layer layer_of(Flags const& flags) {
  Layer layer;
  for (NodeKey const& key : node_keys()) {
    auto const& values = flags.values.at(key.name);
    if (!values.empty()) layer.emplace(key.name, Given{flag_of(key), values});
  }
  return layer;
}

int run_with(Flags const& flags) {
  std::vector<Layer> layers;
  if (!flags.config_file.empty()) {
    auto layer = read_config_file(flags.config_file);
    if (!layer) return wrong_usage(layer.error());
    layers.push_back(std::move(*layer));
  }
  layers.push_back(
      read_environment([](std::string const& variable) { return std::getenv(variable.c_str()); }));
  layers.push_back(layer_of(flags));
#ifdef CHISME_FAILPOINTS
  if (auto armed = check_armed_failpoint(); !armed) return wrong_usage(armed.error());
#endif
  auto config = make_config(layers);
  if (!config) return wrong_usage(config.error());
  config->parent_socket = flags.parent_socket;
  return run_node(std::move(*config));
}

}  // namespace

void add_node_command(CLI::App& app, Chosen& chosen) {
  auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("node", "run one node until SIGTERM or SIGINT");
  command.add_option("--config", flags->config_file, "TOML file with these options as keys")
      ->envname("CHISME_CONFIG");
  command.add_option("--parent-socket", flags->parent_socket)->group("");  // by `chisme up` only
  for (NodeKey const& key : node_keys()) {
    auto& values = flags->values[key.name];
    if (key.is_switch) {
      command.add_flag_callback(flag_of(key), [&values] { values = {"true"}; }, key.help);
    } else {
      command.add_option(flag_of(key), values, key.help)->allow_extra_args(false);
    }
  }
  command.callback([flags, &chosen] { chosen = [flags] { return run_with(*flags); }; });
}

}  // namespace chisme::node::cli
