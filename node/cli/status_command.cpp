#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "node/cli/answer_fields.hpp"
#include "node/cli/command.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

constexpr double fastest_shown = 1e18;
constexpr std::chrono::seconds watch_period{1};
constexpr char const* clear_screen = "\x1b[H\x1b[2J";

struct StatusOptions : ClientOptions {
  bool watch = false;
};

std::string rounded(double value, int digits) {
  double const scale = std::pow(10.0, digits);
  std::string text = std::to_string(std::round(value * scale) / scale);
  return text.substr(0, text.find('.') + static_cast<std::size_t>(digits) + (digits > 0 ? 1 : 0));
}

std::string state_of(Json const& member) {
  std::string state = printable(text_field(member, "state"));
  if (flag_field(member, "draining")) state += ", draining";
  if (flag_field(member, "self")) state += " *";
  return state;
}

// While nodes are upgraded one after another; nothing when all speak the same.
std::string mixture_of(Json const& cluster) {
  std::set<std::uint64_t> spoken;
  for (Json const& member : part_field(cluster, "members")) {
    if (text_field(member, "state") == "alive") spoken.insert(count_field(member, "protocol"));
  }
  spoken.erase(0);  // the node that was asked does not tell
  if (spoken.size() < 2) return {};
  return "nodes speak different versions of the protocol, from " + std::to_string(*spoken.begin()) +
         " to " + std::to_string(*spoken.rbegin()) + ": an upgrade is under way\n";
}

std::string table_of_members(Json const& cluster) {
  std::vector<std::vector<std::string>> rows{
      {"NODE", "STATE", "REQUESTS", "LOAD", "SENDING", "COPIES", "DISK", "ID"}};
  for (Json const& member : part_field(cluster, "members")) {
    auto const speed = static_cast<std::uint64_t>(
        std::clamp(real_field(member, "bytes_per_second"), 0.0, fastest_shown));
    rows.push_back({printable(text_field(member, "http")), state_of(member),
                    std::to_string(count_field(member, "in_flight")),
                    rounded(real_field(member, "load"), 2), format_bytes(speed) + "/s",
                    std::to_string(count_field(member, "copies")),
                    rounded(real_field(member, "disk_used") * 100, 0) + " %",
                    printable(text_field(member, "node")).substr(0, 8)});
  }
  auto const count = [&](char const* key) { return std::to_string(count_field(cluster, key)); };
  std::string summary = counted(count_field(cluster, "files"), "file") + ", " +
                        count("under_replicated") + " with fewer copies than wanted (" +
                        count("copies_wanted") + "), " +
                        counted(count_field(cluster, "repairs_pending"), "repair") + " pending\n";
  if (std::string const fenced = printable(text_field(cluster, "fenced")); !fenced.empty()) {
    summary += "this node's disk failed (" + fenced + "): it takes no writes until a restart\n";
  }
  if (!flag_field(cluster, "in_touch", true))
    summary += "this node does not see most of the others\n";
  for (Json const& quota : part_field(cluster, "prefix_quotas")) {
    summary += printable(text_field(quota, "prefix")) +
               "…: " + format_bytes(count_field(quota, "used")) + " of the " +
               format_bytes(count_field(quota, "limit")) + " that its files may have\n";
  }
  return format_table(rows) + summary + mixture_of(cluster);
}

Result<void> print_status(HttpClient& client, StatusOptions const& options) {
  HttpRequest request;
  request.target = "/cluster";
  auto const answer = client.send(request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto const cluster = Json::parse(answer->body, nullptr, false);
  if (!cluster.is_object()) {
    return fail(Fault::io, to_string(answer->origin) + " sent a status that is none");
  }
  if (options.json) {
    std::cout << cluster.dump() << "\n";
  } else {
    if (options.watch && ::isatty(STDOUT_FILENO) != 0) std::cout << clear_screen;
    std::cout << table_of_members(cluster) << (options.watch ? "\n" : "");
  }
  std::cout.flush();
  return {};
}

// Again and again; while no node answers it says so and goes on.
Result<void> watch_status(HttpClient& client, StatusOptions const& options) {
  auto shown = print_status(client, options);
  if (!shown || !options.watch) return shown;
  while (std::cout) {
    std::this_thread::sleep_for(watch_period);
    if (shown = print_status(client, options); !shown) std::cerr << shown.error().message << "\n";
  }
  return fail(Fault::io, "standard output cannot be written");
}

}  // namespace

void add_status_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App& command = *app.add_subcommand("status", "show nodes, load and copies");
  add_client_options(command, *options);
  command.add_flag("--watch", options->watch, "again every second, until Ctrl-C");
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options,
                         [&](HttpClient& client) { return watch_status(client, *options); });
    };
  });
}

}  // namespace chisme::node::cli
