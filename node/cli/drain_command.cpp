#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/cli/command.hpp"

namespace chisme::node::cli {
namespace {

constexpr std::chrono::milliseconds look_period{250};

struct DrainOptions : ClientOptions {
  bool at_once = false;
};

// A node that leaves answers until its copies are with others; then its process ends.
void await_end(HttpClient& client, Origin const& origin) {
  HttpRequest question;
  question.target = "/healthz";
  while (client.send_to(origin, question)) std::this_thread::sleep_for(look_period);
}

Result<void> drain(HttpClient& client, Origin const& origin, DrainOptions const& options) {
  HttpRequest order;
  order.method = "POST";
  order.target = "/cluster/drain";
  auto const answer = client.send_to(origin, order);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  if (!options.at_once) await_end(client, origin);
  char const* const state = options.at_once ? "is leaving" : "has left";
  std::cout << (options.json ? nlohmann::json{{"node", to_string(origin)}, {"state", state}}.dump()
                             : to_string(origin) + " " + state)
            << std::endl;
  return {};
}

}  // namespace

void add_drain_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<DrainOptions>();
  CLI::App& command = *app.add_subcommand(
      "drain", "make nodes leave the cluster: each hands its copies over, then its process ends");
  add_client_options(command, *options);
  command.add_flag("--no-wait", options->at_once, "do not wait until they have left");
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) -> Result<void> {
        for (Origin const& origin : client.nodes()) {
          if (auto drained = drain(client, origin, *options); !drained) return drained;
        }
        return {};
      });
    };
  });
}

}  // namespace chisme::node::cli
