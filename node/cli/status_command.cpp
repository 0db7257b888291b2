#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

std::string rounded(double value, int digits) {
  double const scale = std::pow(10.0, digits);
  std::string text = std::to_string(std::round(value * scale) / scale);
  return text.substr(0, text.find('.') + static_cast<std::size_t>(digits) + (digits > 0 ? 1 : 0));
}

std::string state_of(Json const& member) {
  std::string state = printable(member.value("state", ""));
  if (member.value("draining", false)) state += ", draining";
  if (member.value("self", false)) state += " *";
  return state;
}

std::string table_of_members(Json const& cluster) {
  std::vector<std::vector<std::string>> rows{
      {"NODE", "STATE", "REQUESTS", "LOAD", "SENDING", "COPIES", "DISK", "ID"}};
  for (Json const& member : cluster.value("members", Json::array())) {
    auto const speed = static_cast<std::uint64_t>(member.value("bytes_per_second", 0.0));
    rows.push_back({printable(member.value("http", "")), state_of(member),
                    std::to_string(member.value("in_flight", 0)),
                    rounded(member.value("load", 0.0), 2), format_bytes(speed) + "/s",
                    std::to_string(member.value("copies", std::uint64_t{0})),
                    rounded(member.value("disk_used", 0.0) * 100, 0) + " %",
                    printable(member.value("node", "")).substr(0, 8)});
  }
  auto const count = [&](char const* key) {
    return std::to_string(cluster.value(key, std::uint64_t{0}));
  };
  std::string summary = count("files") + " files, " + count("under_replicated") +
                        " with fewer copies than wanted (" + count("copies_wanted") + "), " +
                        count("repairs_pending") + " repairs pending\n";
  if (std::string const fenced = printable(cluster.value("fenced", "")); !fenced.empty()) {
    summary += "this node's disk failed (" + fenced + "): it takes no writes until a restart\n";
  }
  if (!cluster.value("in_touch", true)) summary += "this node does not see most of the others\n";
  return format_table(rows) + summary;
}

}  // namespace

void add_status_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App& command = *app.add_subcommand("status", "show nodes, load and copies");
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) -> Result<void> {
        HttpRequest request;
        request.target = "/cluster";
        auto const answer = client.send(request);
        if (!answer) return tl::unexpected<Error>(answer.error());
        if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
        auto const cluster = Json::parse(answer->body, nullptr, false);
        if (!cluster.is_object()) {
          return fail(Fault::io, to_string(answer->origin) + " sent a status that is none");
        }
        std::cout << (options->json ? cluster.dump() + "\n" : table_of_members(cluster));
        return {};
      });
    };
  });
}

}  // namespace chisme::node::cli
