#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "node/cli/doctor_checks.hpp"
#include "node/cli/doctor_proof.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

struct DoctorOptions : ClientOptions {
  bool prove = false;
};

Json json_of(std::vector<Finding> const& findings) {
  Json list = Json::array();
  for (Finding const& one : findings) {
    list.push_back(Json{{"check", one.check},
                        {"node", one.node},
                        {"state", to_string(one.state)},
                        {"sentence", one.sentence}});
  }
  return list;
}

Json json_of(Proof const& proof) {
  return Json{{"victim", proof.victim},
              {"how", proof.how},
              {"gap_seconds", proof.gap_seconds},
              {"bytes", proof.bytes},
              {"bytes_lost", proof.bytes_lost},
              {"repair_seconds", proof.repair_seconds ? Json(*proof.repair_seconds) : Json()},
              {"repair", proof.repair}};
}

void print(std::vector<Finding> const& findings) {
  std::vector<std::vector<std::string>> rows{{"STATE", "CHECK", "NODE", "WHAT"}};
  for (Finding const& one : findings) {
    rows.push_back(
        {to_string(one.state), one.check, one.node.empty() ? "-" : one.node, one.sentence});
  }
  std::cout << format_table(rows);
}

std::string milliseconds(double seconds) {
  return std::to_string(static_cast<long>(seconds * 1000)) + " ms";
}

void print(Proof const& proof) {
  std::cout << proof.victim << " was " << proof.how << " while it streamed: the longest gap was "
            << milliseconds(proof.gap_seconds) << ", " << proof.bytes_lost << " of " << proof.bytes
            << " bytes were lost, "
            << (proof.repair_seconds
                    ? "the copies were complete again after " + milliseconds(*proof.repair_seconds)
                    : proof.repair)
            << "\n";
}

Result<void> examine_and_prove(HttpClient& client, DoctorOptions const& options) {
  auto const findings = examine(client);
  if (!findings) return tl::unexpected<Error>(findings.error());
  if (!options.json) print(*findings);
  std::cout.flush();
  auto const proof = options.prove ? prove_failover(client) : Result<Proof>{};
  if (options.json) {
    Json report{{"findings", json_of(*findings)}};
    if (options.prove && proof) report["proof"] = json_of(*proof);
    std::cout << report.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else if (options.prove && proof) {
    print(*proof);
  }
  if (!proof) return fail(proof.error().fault, "failover is not proved: " + proof.error().message);
  if (proof->bytes_lost > 0) return fail(Fault::corrupt, "the stream lost bytes");
  auto const wrong = std::ranges::count(*findings, Finding::State::wrong, &Finding::state);
  if (wrong == 0) return {};
  return fail(Fault::io, std::to_string(wrong) + " things are wrong");
}

}  // namespace

void add_doctor_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App& command = *app.add_subcommand(
      "doctor", "look whether nodes, network, clocks and disks are as they should be");
  command.add_flag("--prove", options->prove,
                   "stream a probe, kill the node that serves it (with chisme up; else hang up on "
                   "it), and show that nothing is lost");
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options,
                         [&](HttpClient& client) { return examine_and_prove(client, *options); });
    };
  });
}

}  // namespace chisme::node::cli
