#include <iostream>
#include <memory>
#include <thread>

#include "node/cli/client_token.hpp"
#include "node/cli/command.hpp"
#include "node/cli/event_stream.hpp"
#include "node/cli/event_text.hpp"

namespace chisme::node::cli {
namespace {

constexpr int connect_rounds_max =
    10;  // over all nodes, a second apart, while none of them answers

// Prints what one node tells until that ends; returns why.
Error watch_node(Origin const& origin, std::string const& token, bool json, bool& connected) {
  auto stream = EventStream::open(origin, "/ws/cluster", token);
  if (!stream) return stream.error();
  connected = true;
  for (;;) {
    auto const message = stream->next();
    if (!message) return message.error();
    if (!*message) return Error{Fault::unavailable, to_string(origin) + " closed", 0};
    std::string const line = event_line(**message, json);
    if (line.empty()) continue;
    std::cout << line << std::endl;
    if (!std::cout) return Error{Fault::cancelled, "standard output cannot be written", 0};
  }
}

int watch(ClientOptions const& options) {
  auto const origins = origins_of(options);
  if (!origins) return wrong_usage(origins.error());
  auto const token = client_token(options.token_file);
  if (!token) return wrong_usage(token.error());
  Error last;
  for (int round = 0; round < connect_rounds_max; ++round) {
    for (Origin const& origin : *origins) {
      bool connected = false;
      last = watch_node(origin, *token, options.json, connected);
      if (last.fault == Fault::cancelled) return failed(last);
      if (!connected) continue;
      std::cerr << last.message << "; watching another node" << std::endl;
      round = 0;
    }
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
  return failed(last);
}

}  // namespace

void add_watch_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App& command =
      *app.add_subcommand("watch", "print what happens in the cluster, until Ctrl-C");
  add_client_options(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return watch(*options); }; });
}

}  // namespace chisme::node::cli
