#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "node/cli/command.hpp"
#include "node/cli/node_flags.hpp"
#include "node/config.hpp"
#include "node/peer/address.hpp"
#include "node/security/join_token.hpp"
#include "node/security/process_user.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

constexpr char token_where[] = "the token";

struct JoinOptions {
  std::string token;  // "-": it stands on standard input
  NodeFlags node;
};

// Its node finds the secret there at its next starts, with or without the token.
Result<fs::path> keep_secret(fs::path const& data, Secret const& secret) {
  fs::path const path = data / "cluster.secret";
  if (auto made = make_directories(data); !made) return tl::unexpected(made.error());
  auto const kept = read_secret_file(path);
  if (!kept && kept.error().fault != Fault::not_found) return tl::unexpected(kept.error());
  if (!kept) {
    return write_secret_file(path, secret).map([&] { return path; });
  }
  if (std::ranges::find(*kept, secret) != kept->end()) return path;
  return fail(Fault::invalid, data.string() +
                                  " has the secret of another cluster: give this node "
                                  "a directory of its own with --data");
}

// Whom root names with --user is to find it, too.
Result<fs::path> keep_secret_for(std::string const& user_name, fs::path const& data,
                                 Secret const& secret) {
  if (user_name.empty()) return keep_secret(data, secret);
  auto const user = find_user(user_name);
  if (!user) return tl::unexpected(user.error());
  if (auto given = give_directory(*user, data); !given) return tl::unexpected(given.error());
  ActingAs const acting{*user};
  return keep_secret(data, secret);
}

// What the token says, and where this machine is reached from there.
Result<Layer> layer_of(JoinToken const& token, fs::path const& data, std::string const& user) {
  auto own = own_address_towards(token.peers.front());
  if (!own) return tl::unexpected(own.error());
  own->port = NodeConfig{}.http.port;
  auto const path = keep_secret_for(user, data, token.secret);
  if (!path) return tl::unexpected(path.error());
  Layer layer;
  Given& joined = layer["join"] = Given{token_where, {}};
  for (Endpoint const& peer : token.peers) joined.values.push_back(to_string(peer));
  layer["listen"] = Given{token_where, {to_string(*own)}};
  layer["secret_file"] = Given{token_where, {path->string()}};
  return layer;
}

int join(JoinOptions const& options) {
  std::string text = options.token;
  if (text == "-") std::getline(std::cin, text);
  auto const token = parse_join_token(text);
  if (!token) {
    return wrong_usage(Error{
        Fault::invalid,
        "this is no token of a cluster: make one with chisme secret token FILE ADDRESS:PORT", 0});
  }
  auto const given = value_of(options.node, "data");
  if (!given) return wrong_usage(given.error());
  auto const user = value_of(options.node, "user");
  if (!user) return wrong_usage(user.error());
  auto layer = layer_of(*token, given->empty() ? NodeConfig{}.data : fs::path{*given}, *user);
  if (!layer) return failed(layer.error());
  return run_node_with(options.node, std::move(*layer));
}

}  // namespace

void add_join_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<JoinOptions>();
  CLI::App& command = *app.add_subcommand(
      "join", "run a node of the cluster that a token names, until SIGTERM or SIGINT");
  command
      .add_option("TOKEN", options->token,
                  "from chisme secret token; - to read it from standard input, where others of "
                  "this machine do not see it")
      ->required();
  add_node_flags(command, options->node);
  command.callback([options, &chosen] { chosen = [options] { return join(*options); }; });
}

}  // namespace chisme::node::cli
