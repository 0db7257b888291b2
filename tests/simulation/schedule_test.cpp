#include "tests/simulation/schedule.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/simulation/shrink.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

std::set<std::string> lines_of(Schedule const& schedule) {
  std::set<std::string> lines;
  for (FaultEvent const& event : schedule.events) lines.insert(describe(event));
  return lines;
}

TEST(Schedule, LeavingOneKindOutMovesNoOther) {
  Scenario const scenario = draw_scenario(3, 12, 60s);
  std::set<std::string> const all = lines_of(draw_schedule(scenario, FaultKinds{}.set()));
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    FaultKinds kinds = FaultKinds{}.set();
    kinds.reset(kind);
    std::set<std::string> const fewer = lines_of(draw_schedule(scenario, kinds));
    EXPECT_LE(fewer.size(), all.size()) << fault_names[kind];
    for (std::string const& line : fewer) EXPECT_TRUE(all.contains(line)) << line;
  }
}

TEST(Schedule, HasEventsOfEveryKindAndEachItsName) {
  Scenario const scenario = draw_scenario(3, 40, 120s);
  Schedule const schedule = draw_schedule(scenario, FaultKinds{}.set());
  FaultKinds drawn;
  std::set<std::string> ids;
  for (FaultEvent const& event : schedule.events) {
    drawn.set(static_cast<std::size_t>(event.kind));
    EXPECT_TRUE(ids.insert(id_of(event)).second) << id_of(event);
    for (unsigned const victim : event.victims) EXPECT_LT(victim, scenario.nodes);
  }
  EXPECT_TRUE(drawn.all()) << drawn;
}

TEST(Schedule, OnlyTheNamedEventsAreLeft) {
  Schedule const schedule = draw_schedule(draw_scenario(3, 12, 60s), FaultKinds{}.set());
  Schedule const kept = only(schedule, {"crash2", "loss"});
  ASSERT_EQ(kept.events.size(), 2u);
  EXPECT_EQ(id_of(kept.events[0]), "loss1");
  EXPECT_EQ(id_of(kept.events[1]), "crash2");
}

TEST(Schedule, OverManySeedsEveryKindIsOnInAboutHalf) {
  std::array<unsigned, fault_kinds> on{};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    FaultKinds const kinds = draw_kinds(seed);
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) on[kind] += kinds[kind] ? 1 : 0;
  }
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    unsigned const expected = kind == static_cast<std::size_t>(FaultKind::small) ? 100 : 200;
    EXPECT_NEAR(on[kind], expected, 50) << fault_names[kind];
  }
}

TEST(Shrink, LeavesTheFaultsNodesAndTimeThatMatter) {
  Case const whole{.seed = 3, .nodes = 12, .faults_for = 80s, .kinds = FaultKinds{}.set()};
  auto const fails = [](Case const& the_case) {
    bool crash = false;
    bool pause = false;
    for (FaultEvent const& event : schedule_of(the_case).events) {
      crash = crash || id_of(event) == "crash2";
      pause = pause || id_of(event) == "pause1";
    }
    return crash && pause && the_case.nodes >= 7;
  };
  ASSERT_TRUE(fails(whole));
  Case const small = shrink(whole, fails);
  EXPECT_EQ(std::set<std::string>(small.only.begin(), small.only.end()),
            (std::set<std::string>{"crash2", "pause1"}));
  EXPECT_EQ(small.nodes, 7u);
  EXPECT_LT(small.faults_for, 80s);
  EXPECT_TRUE(fails(small));
}

}  // namespace
}  // namespace chisme::simulation
