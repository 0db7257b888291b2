#include <memory>

#include "node/cli/command.hpp"
#include "node/cli/node_flags.hpp"

namespace chisme::node::cli {

void add_node_command(CLI::App& app, Chosen& chosen) {
  auto flags = std::make_shared<NodeFlags>();
  CLI::App& command = *app.add_subcommand("node", "run one node until SIGTERM or SIGINT");
  add_node_flags(command, *flags);
  command.add_option("--parent-socket", flags->parent_socket)->group("");  // by `chisme up` only
  command.callback([flags, &chosen] { chosen = [flags] { return run_node_with(*flags); }; });
}

}  // namespace chisme::node::cli
