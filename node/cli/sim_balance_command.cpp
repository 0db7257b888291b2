#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "tests/simulation/balance/report.hpp"

// `chisme sim balance`: the balancer's policy measured against others (docs/balancing.md).
namespace chisme::node::cli {
namespace {

using nlohmann::json;
using simulation::balance::Cell;
using simulation::balance::Outcome;

struct BalanceOptions {
  simulation::balance::Scope scope;
  std::string svg;
  bool json = false;
};

json json_of(Cell const& cell) {
  simulation::balance::Setting const& setting = cell.setting;
  Outcome const& outcome = cell.outcome;
  return {{"nodes", setting.nodes},
          {"cluster", to_string(setting.shape)},
          {"sample_age_seconds", setting.sample_age},
          {"policy", to_string(setting.policy)},
          {"stable", outcome.stable},
          {"busiest_over_mean", outcome.peak_mean},
          {"busiest_over_mean_p99", outcome.peak_p99},
          {"slowdown_p99", outcome.slowdown_p99},
          {"bounced_ratio", outcome.bounced},
          {"probes_per_node_second", outcome.probes},
          {"requests", outcome.requests}};
}

std::string json_text(std::vector<Cell> const& cells, BalanceOptions const& options) {
  json rows = json::array();
  for (Cell const& cell : cells) rows.push_back(json_of(cell));
  return json{{"seed", options.scope.seed}, {"minutes", options.scope.minutes}, {"cells", rows}}
             .dump() +
         "\n";
}

Result<void> write_plot(std::vector<Cell> const& cells, std::string const& path) {
  std::ofstream file{path};
  file << simulation::balance::plot(cells);
  file.close();
  if (!file) return fail(Fault::io, "the plot cannot be written to " + path);
  return {};
}

int run_balance(BalanceOptions const& options) {
  if (options.scope.quick && !options.svg.empty()) {
    return wrong_usage(Error{Fault::invalid, "--svg needs what --quick leaves out", 0});
  }
  std::vector<Cell> cells;
  for (simulation::balance::Setting const& setting : simulation::balance::settings(options.scope)) {
    cells.push_back({setting, simulation::balance::measure(setting)});
  }
  std::cout << (options.json ? json_text(cells, options) : simulation::balance::markdown(cells));
  std::cout.flush();
  if (options.svg.empty()) return 0;
  auto const written = write_plot(cells, options.svg);
  return written ? 0 : failed(written.error());
}

}  // namespace

void add_sim_balance_command(CLI::App& sim, Chosen& chosen) {
  auto options = std::make_shared<BalanceOptions>();
  CLI::App& command = *sim.add_subcommand(
      "balance", "compare the redirect policy with others, as a Markdown table");
  command.add_option("--seed", options->scope.seed, "all that is random follows from it");
  command
      .add_option("--minutes", options->scope.minutes,
                  "simulated minutes that each figure is measured over [10]")
      ->check(CLI::Range(1.0, 10'000.0));
  command.add_flag("--quick", options->scope.quick,
                   "only clusters of 20 nodes, with samples one second old");
  command.add_option("--svg", options->svg, "write a plot to this file");
  command.add_flag("--json", options->json, "print JSON");
  command.callback([options, &chosen] { chosen = [options] { return run_balance(*options); }; });
}

}  // namespace chisme::node::cli
