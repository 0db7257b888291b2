#include <gtest/gtest.h>

#include "tests/simulation/case.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

void expect_well(Scenario const& scenario) {
  Report const report = World{scenario, draw_schedule(scenario)}.run();
  for (Violation const& violation : report.violations) {
    ADD_FAILURE() << "chisme sim --seed " << scenario.seed << " --nodes " << scenario.nodes << ": "
                  << to_string(violation);
  }
  EXPECT_GT(report.writes.acknowledged, 0u) << "seed " << scenario.seed;
}

Scenario calm(unsigned nodes) {
  Scenario scenario;
  scenario.nodes = nodes;
  return scenario;
}

TEST(Simulation, ACalmClusterAcknowledgesEveryWrite) {
  Report const report = World{calm(5)}.run();
  EXPECT_EQ(report.violations, std::vector<Violation>{});
  EXPECT_GT(report.writes.acknowledged, 100u);
  EXPECT_EQ(report.writes.refused, 0u);
  EXPECT_EQ(report.writes.unknown, 0u);
}

TEST(Simulation, TwoNodesKeepTheirPromisesToo) {
  Report const report = World{calm(2)}.run();
  EXPECT_EQ(report.violations, std::vector<Violation>{});
  EXPECT_GT(report.writes.acknowledged, 100u);
}

TEST(Simulation, FiveNodesKeepTheirPromisesUnderFaults) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) expect_well(draw_scenario(seed, 5));
}

TEST(Simulation, TwentyNodesKeepTheirPromisesUnderFaults) {
  expect_well(draw_scenario(101, 20));
}

TEST(Simulation, TheSameSeedGivesTheSameTrace) {
  Case the_case{.seed = 7, .nodes = 5, .faults_for = 10s};
  Report const once = run(the_case);
  Report const again = run(the_case);
  EXPECT_EQ(once.trace_hash, again.trace_hash);
  EXPECT_EQ(once.events, again.events);
  the_case.seed = 8;
  EXPECT_NE(once.trace_hash, run(the_case).trace_hash);
}

}  // namespace
}  // namespace chisme::simulation
