#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/cli/client_token.hpp"
#include "node/cli/command.hpp"
#include "node/cli/event_stream.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

constexpr int connect_rounds_max =
    10;  // over all nodes, a second apart, while none of them answers

std::string text_of(Json const& event, char const* key) {
  return printable(event.value(key, ""));
}

std::string describe_state(Json const& event) {
  Json const cluster = event.value("cluster", Json::object());
  std::string line = "cluster: " + std::to_string(cluster.value("files", 0)) + " files";
  for (Json const& member : cluster.value("members", Json::array())) {
    line += ", " + text_of(member, "http") + " " + text_of(member, "state");
  }
  return line;
}

std::string describe_file(Json const& event) {
  if (event.value("removed", false)) return "file: " + text_of(event, "name") + " was removed";
  Json const file = event.value("file", Json::object());
  return "file: " + text_of(event, "name") + ", " +
         format_bytes(file.value("size", std::uint64_t{0})) + ", " +
         std::to_string(file.value("copies", 0)) + " of " +
         std::to_string(file.value("wanted", 0)) + " copies";
}

// An empty line for what changes all the time: loads.
std::string describe(Json const& event) {
  std::string const type = event.value("type", "");
  if (type == "state") return describe_state(event);
  if (type == "file") return describe_file(event);
  if (type == "member") return "node: " + text_of(event, "http") + " is " + text_of(event, "state");
  if (type == "repair") {
    return "repair: " + text_of(event, "sha256").substr(0, 12) + " to " +
           text_of(event, "target").substr(0, 8) + ", " + text_of(event, "stage");
  }
  if (type == "lost") return "lost: no copy of " + text_of(event, "sha256") + " is left";
  if (type == "redirect") {
    return "redirect: " + text_of(event, "file") + " to " + text_of(event, "to");
  }
  return {};
}

// Prints what one node tells until that ends; returns why.
Error watch_node(Origin const& origin, std::string const& token, bool json, bool& connected) {
  auto stream = EventStream::open(origin, "/ws/cluster", token);
  if (!stream) return stream.error();
  connected = true;
  for (;;) {
    auto const message = stream->next();
    if (!message) return message.error();
    if (!*message) return Error{Fault::unavailable, to_string(origin) + " closed", 0};
    auto const event = Json::parse(**message, nullptr, false);
    if (!event.is_object()) continue;
    std::string const line = json ? event.dump() : describe(event);
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
