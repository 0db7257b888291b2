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
  bool waits = false;  // as without it
  bool cancel = false;
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
  order.target = options.cancel ? "/cluster/drain?cancel=1" : "/cluster/drain";
  auto const answer = client.send_to(origin, order);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  bool const waits = !options.at_once && !options.cancel;
  if (waits) await_end(client, origin);
  char const* const state = options.cancel ? "stays" : waits ? "has left" : "is leaving";
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
  auto* const waits =
      command.add_flag("--wait", options->waits, "until they have left (this is the default)");
  auto* const at_once =
      command.add_flag("--no-wait", options->at_once, "do not wait until they have left");
  command.add_flag("--cancel", options->cancel, "they stay after all, unless they have gone")
      ->excludes(waits, at_once);
  at_once->excludes(waits);
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
