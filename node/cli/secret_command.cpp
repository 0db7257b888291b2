#include <iostream>
#include <memory>

#include "node/cli/command.hpp"
#include "node/security/secret.hpp"

namespace chisme::node::cli {
namespace {

int make_secret(std::string const& path) {
  auto const written = write_secret_file(path, new_secret());
  if (!written) return failed(written.error());
  std::cerr << "chisme: made " << path
            << ", which only you can read. Copy it to every machine of the cluster, by a safe way, "
               "and start nodes with --secret-file "
            << path << "\n";
  return 0;
}

}  // namespace

void add_secret_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("secret", "the secret that the nodes of a cluster share");
  command.require_subcommand(1);
  auto path = std::make_shared<std::string>();
  CLI::App& made = *command.add_subcommand("new", "make a random one, in a new file, mode 0600");
  made.add_option("FILE", *path, "where to")->required();
  made.callback([path, &chosen] { chosen = [path] { return make_secret(*path); }; });
}

}  // namespace chisme::node::cli
