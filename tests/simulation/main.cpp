#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "tests/simulation/world.hpp"

// Runs clusters under virtual time and says which seeds broke a promise.

namespace {

using chisme::simulation::Report;
using chisme::simulation::Scenario;

double seconds(chisme::Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

void print(Scenario const& scenario, Report const& report) {
  std::printf(
      "seed %llu nodes %u: %s, trace %016llx, %llu events, agreed %.1f s after the faults, "
      "writes %u/%u/%u/%u acknowledged/refused/unknown/absent, %.0f B/s/node\n",
      static_cast<unsigned long long>(scenario.seed), scenario.nodes,
      report.violations.empty() ? "ok" : "FAILED",
      static_cast<unsigned long long>(report.trace_hash),
      static_cast<unsigned long long>(report.events), seconds(report.converged_after),
      report.writes.acknowledged, report.writes.refused, report.writes.unknown,
      report.writes.absent, report.datagram_bytes_per_node_second);
  for (auto const& violation : report.violations) {
    std::printf("  %s\n", to_string(violation).c_str());
  }
  if (report.violations.empty()) return;
  std::printf("  loss %.2f duplication %.2f corruption %.4f delay %.1f ms%s%s%s%s%s\n",
              scenario.loss, scenario.duplication, scenario.corruption,
              seconds(scenario.delay) * 1000, scenario.crashes ? " crashes" : "",
              scenario.lost_disks ? " lost-disks" : "", scenario.partitions ? " partitions" : "",
              scenario.pauses ? " pauses" : "", scenario.skewed_clocks ? " skewed-clocks" : "");
  std::printf("  again: chisme_simulation --seed %llu --nodes %u\n",
              static_cast<unsigned long long>(scenario.seed), scenario.nodes);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first_seed = 1;
  unsigned nodes = 5;
  unsigned seeds = 1;
  bool calm = false;
  bool idle = false;
  bool why = false;
  CLI::App app{"Runs clusters under virtual time and checks their promises"};
  app.add_option("--seed", first_seed, "The first seed");
  app.add_option("--nodes", nodes, "Nodes of each cluster")->check(CLI::Range(1u, 200u));
  app.add_option("--seeds", seeds, "How many seeds, counting from the first");
  app.add_flag("--calm", calm, "No faults");
  app.add_flag("--why", why, "Say what agreement waited for");
  app.add_flag("--idle", idle, "No writes");
  CLI11_PARSE(app, argc, argv);
  unsigned failed = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    Scenario scenario = chisme::simulation::draw_scenario(seed, nodes);
    if (calm) {
      scenario = Scenario{};
      scenario.seed = seed;
      scenario.nodes = nodes;
    }
    if (idle) scenario.writes = false;
    Report const report = chisme::simulation::World{scenario}.run();
    print(scenario, report);
    for (std::size_t i = 0; why && i < report.waited_for.size(); ++i) {
      std::printf("  waited: %s\n", report.waited_for[i].c_str());
    }
    if (!report.violations.empty()) ++failed;
  }
  std::printf("%u of %u seeds failed\n", failed, seeds);
  return failed == 0 ? 0 : 1;
}
