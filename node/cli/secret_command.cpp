#include <iostream>
#include <memory>
#include <vector>

#include "node/cli/command.hpp"
#include "node/security/join_token.hpp"
#include "node/security/secret.hpp"

namespace chisme::node::cli {
namespace {

struct SecretOptions {
  std::string path;
  std::vector<std::string> peers;
};

int make_secret(std::string const& path) {
  auto const written = write_secret_file(path, new_secret());
  if (!written) return failed(written.error());
  std::cerr << "chisme: made " << path
            << ", which only you can read. Copy it to every machine of the cluster, by a safe way, "
               "and start nodes with --secret-file "
            << path << "\n";
  return 0;
}

int print_token(SecretOptions const& options) {
  auto const secrets = read_secret_file(options.path);
  if (!secrets) return failed(secrets.error());
  JoinToken token{secrets->front(), {}};
  for (std::string const& text : options.peers) {
    auto const peer = parse_endpoint(text);
    if (!peer || peer->port == 0) {
      return wrong_usage(
          Error{Fault::invalid,
                "\"" + text + "\" is not the peer address of a node: 192.168.1.11:8701", 0});
    }
    token.peers.push_back(*peer);
  }
  std::cout << to_text(token) << std::endl;
  std::cerr << "chisme: whoever has this line can join and read everything. On the other machine: "
               "chisme join - (and paste it)\n";
  return 0;
}

}  // namespace

void add_secret_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("secret", "the secret that the nodes of a cluster share");
  command.require_subcommand(1);
  auto options = std::make_shared<SecretOptions>();
  CLI::App& made = *command.add_subcommand("new", "make a random one, in a new file, mode 0600");
  made.add_option("FILE", options->path, "where to")->required();
  made.callback([options, &chosen] { chosen = [options] { return make_secret(options->path); }; });
  CLI::App& token = *command.add_subcommand(
      "token", "print one line with which another machine joins: chisme join TOKEN");
  token.add_option("FILE", options->path, "the secret file")->required();
  token.add_option("ADDRESS", options->peers, "peer addresses of nodes that it may ask")
      ->required()
      ->expected(1, static_cast<int>(JoinToken::peers_max));
  token.callback([options, &chosen] { chosen = [options] { return print_token(*options); }; });
}

}  // namespace chisme::node::cli
