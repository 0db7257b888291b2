#include "node/cli/node_flags.hpp"

#include <cstdlib>
#include <utility>

#include "node/changes.hpp"
#include "node/cli/command.hpp"
#include "node/cli/config_file.hpp"
#include "node/failpoint.hpp"
#include "node/node.hpp"

namespace chisme::node::cli {
namespace {

Layer layer_of(NodeFlags const& flags) {
  Layer layer;
  for (NodeKey const& key : node_keys()) {
    auto const& values = flags.values.at(key.name);
    if (!values.empty()) layer.emplace(key.name, Given{flag_of(key), values});
  }
  return layer;
}

// The weakest first.
Result<std::vector<Layer>> layers_of(NodeFlags const& flags) {
  std::vector<Layer> layers;
  if (!flags.config_file.empty()) {
    auto layer = read_config_file(flags.config_file);
    if (!layer) return tl::unexpected(layer.error());
    layers.push_back(std::move(*layer));
  }
  layers.push_back(
      read_environment([](std::string const& variable) { return std::getenv(variable.c_str()); }));
  layers.push_back(layer_of(flags));
  return layers;
}

Result<std::vector<Layer>> all_layers(NodeFlags const& flags, Layer const& weakest) {
  auto layers = layers_of(flags);
  if (layers) layers->insert(layers->begin(), weakest);
  return layers;
}

Result<NodeConfig> make_node_config(NodeFlags const& flags, std::vector<Layer> const& layers) {
  auto config = make_config(layers);
  if (!config) return config;
  config->parent_socket = flags.parent_socket;
  if (!flags.config_file.empty()) config->config_file = flags.config_file;
  return config;
}

struct Known {
  Layer const& at_start;
  Layer const& last;  // what holds of the keys that change while the node runs
};
std::vector<std::string> changed_keys(Known const& known, Layer const& now) {
  std::vector<std::string> keys;
  for (NodeKey const& key : node_keys()) {
    auto const values = [&](Layer const& layer) {
      auto const at = layer.find(key.name);
      return at == layer.end() ? std::vector<std::string>{} : at->second.values;
    };
    Layer const& before = changes_while_running(key.name) ? known.last : known.at_start;
    if (values(before) != values(now)) keys.push_back(key.name);
  }
  return keys;
}

}  // namespace

void add_node_flags(CLI::App& command, NodeFlags& flags) {
  command.add_option("--config", flags.config_file, "TOML file with these options as keys")
      ->envname("CHISME_CONFIG");
  for (NodeKey const& key : node_keys()) {
    auto& values = flags.values[key.name];
    if (key.is_switch) {
      command.add_flag_callback(flag_of(key), [&values] { values = {"true"}; }, key.help);
    } else {
      auto* const option = command.add_option(flag_of(key), values, key.help);
      option->allow_extra_args(false)->option_text(key.repeatable ? "TEXT ..." : "TEXT");
    }
  }
}

int run_node_with(NodeFlags const& flags, Layer weakest) {
  auto layers = all_layers(flags, weakest);
  if (!layers) return wrong_usage(layers.error());
#ifdef CHISME_FAILPOINTS
  if (auto armed = check_armed_failpoint(); !armed) return wrong_usage(armed.error());
#endif
  auto config = make_node_config(flags, *layers);
  if (!config) return wrong_usage(config.error());
  auto again = [flags, weakest = std::move(weakest), first = merged(*layers),
                last = std::make_shared<Layer>(merged(*layers))]() -> Result<NewConfig> {
    auto const now = all_layers(flags, weakest);
    if (!now) return tl::unexpected<Error>(now.error());
    auto made = make_node_config(flags, *now);
    if (!made) return tl::unexpected<Error>(made.error());
    Layer const wanted = merged(*now);
    return NewConfig{std::move(*made), changed_keys({first, *last}, wanted),
                     [last, wanted] { *last = wanted; }};
  };
  return run_node(std::move(*config), std::move(again));
}

Result<std::string> value_of(NodeFlags const& flags, std::string const& key) {
  auto const layers = layers_of(flags);
  if (!layers) return tl::unexpected(layers.error());
  std::string value;
  for (Layer const& layer : *layers) {
    if (auto const at = layer.find(key); at != layer.end()) value = at->second.values.back();
  }
  return value;
}

}  // namespace chisme::node::cli
