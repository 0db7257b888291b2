#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "tests/simulation/case.hpp"
#include "tests/simulation/catalogue_checks.hpp"
#include "tests/simulation/membership_checks.hpp"
#include "tests/simulation/planted/planted_bugs.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

Case case_of(std::optional<FaultKind> kind, std::uint64_t seed) {
  Case the_case;
  the_case.seed = seed;
  the_case.nodes = 5;
  the_case.faults_for = 40s;
  the_case.kinds = FaultKinds{};
  if (kind) the_case.kinds->set(static_cast<std::size_t>(*kind));
  return the_case;
}

std::string texts_of(std::vector<Violation> const& violations) {
  std::string text;
  for (Violation const& violation : violations) text += "\n  " + to_string(violation);
  return text;
}

// Nodes between which no datagram passes must see each other as alive all the same; and level their
// catalogues, when one of them was away, by asking in turn: each asks each other within two turns
// of ten seconds.
Report run_by_streams(std::uint64_t seed) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = 3;
  scenario.intruder = false;
  World world{scenario};
  world.start_all();
  world.run_for(2s);
  Network& network = *world.around().network;
  Network::Cut datagrams;
  datagrams.sides = {0, 1, 2};
  datagrams.only = cluster::Channel::datagram;
  network.cut(datagrams);
  world.run_for(20s);
  Report report;
  auto const note = [&](std::optional<Violation> wrong) {
    if (wrong) report.violations.push_back(*wrong);
  };
  note(wrong_views(sights_of(world.around())));
  Network::Cut away;
  away.sides = {0, 0, 1};
  std::uint64_t const number = network.cut(away);
  for (int i = 0; i < 60; ++i) {
    world.workload().act();
    world.run_for(200ms);
  }
  network.mend(number);
  world.run_for(45s);
  note(different_catalogues(sights_of(world.around())));
  return report;
}

Report run_revoking(Case const& the_case) {
  Scenario scenario = scenario_of(the_case);
  scenario.revocations = 6;
  return World{scenario, schedule_of(the_case)}.run();
}

Report run_row(PlantedRow const& row, std::uint64_t seed) {
  switch (row.setting) {
    case Setting::by_streams:
      return run_by_streams(seed);
    case Setting::revoking:
      return run_revoking(case_of(row.needs, seed));
    case Setting::usual:
      break;
  }
  return run(case_of(row.needs, seed));
}

// The same run twice must do the same.
void add_replay(Case const& the_case, Report& report) {
  if (run(the_case).trace_hash == report.trace_hash) return;
  report.violations.push_back({Invariant::replay_is_identical, {}, "another trace"});
}

bool is_found(PlantedRow const& row, std::vector<Violation> const& violations) {
  return std::ranges::any_of(violations, [&](Violation const& violation) {
    return (row.found_by & any_of({violation.invariant})) != 0;
  });
}

// Plants a bug for as long as it lives.
class Planting {
 public:
  explicit Planting(PlantedBug bug) { plant(bug); }
  ~Planting() { plant(PlantedBug::none); }
  Planting(Planting const&) = delete;
  Planting& operator=(Planting const&) = delete;
};

class PlantedBugs : public testing::TestWithParam<PlantedRow> {};

TEST_P(PlantedBugs, AreFound) {
  PlantedRow const& row = GetParam();
  Planting const planting{row.bug};
  std::string others;
  for (std::uint64_t seed = 1; seed <= row.within_seeds; ++seed) {
    Case const the_case = case_of(row.needs, seed);
    Report report = run_row(row, seed);
    if (row.found_by == any_of({Invariant::replay_is_identical})) add_replay(the_case, report);
    if (is_found(row, report.violations)) return;
    others += texts_of(report.violations);
  }
  ADD_FAILURE() << row.name << " (" << row.where << ": " << row.mistake << ") was not found within "
                << row.within_seeds << " seeds; what was:" << others;
}

std::string name_of_test(testing::TestParamInfo<PlantedRow> const& info) {
  std::string name{info.param.name};
  if (info.param.needs) name += "_under_" + std::string{simulation::name_of(*info.param.needs)};
  name += "_by";
  for (std::size_t i = 0; i < invariants; ++i) {
    if ((info.param.found_by >> i & 1) != 0) name += "_" + std::to_string(i);
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Simulator, PlantedBugs, testing::ValuesIn(planted_rows()), name_of_test);

// What is found with a bug must not be there without it.
TEST(PlantedBugsApart, TheSameSeedsAreClean) {
  std::map<std::optional<FaultKind>, unsigned> seeds;
  for (PlantedRow const& row : planted_rows()) {
    seeds[row.needs] = std::max(seeds[row.needs], row.within_seeds);
  }
  for (auto const& [kind, most] : seeds) {
    for (std::uint64_t seed = 1; seed <= most; ++seed) {
      Case const the_case = case_of(kind, seed);
      Report const report = run(the_case);
      EXPECT_TRUE(report.violations.empty()) << command_of(the_case) << texts_of(report.violations);
    }
  }
}

TEST(PlantedBugsApart, WhereTokensAreRevokedAllIsWellToo) {
  for (FaultKind const kind : {FaultKind::crash, FaultKind::late_join}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      EXPECT_EQ(texts_of(run_revoking(case_of(kind, seed)).violations), "") << "seed " << seed;
    }
  }
}

TEST(PlantedBugsApart, WithoutDatagramsAllIsWellToo) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    EXPECT_EQ(texts_of(run_by_streams(seed).violations), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace chisme::simulation
