#include "tests/simulation/faults.hpp"

#include <gtest/gtest.h>

#include "tests/simulation/case.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

TEST(Faults, EveryKindHappensInAFewRunsWithAll) {
  Faults::Counts sum{};
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Report const report =
        run({.seed = seed, .nodes = 6, .faults_for = 60s, .kinds = FaultKinds{}.set()});
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) sum[kind] += report.faults[kind];
  }
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    EXPECT_GT(sum[kind], 0u) << fault_names[kind];
  }
}

TEST(Faults, OfTwoMachinesWithOneIdentityTheYoungerRunGoesOn) {
  World world{Scenario{}};
  world.start_all();
  ASSERT_TRUE(world.run_until_agreed(10s));
  world.host(1).crash();
  world.host(1).clone_disk(world.host(0));
  world.around().cloned.insert(world.host(0).id());
  world.host(1).start();
  world.run_for(20s);
  EXPECT_FALSE(world.host(0).is_up());
  EXPECT_TRUE(world.host(1).is_up());
  EXPECT_EQ(world.around().violations, std::vector<Violation>{});
}

TEST(Faults, AMachineThatTakesAnothersAddressIsNotTakenForIt) {
  World world{Scenario{}};
  world.start_all();
  ASSERT_TRUE(world.run_until_agreed(10s));
  world.host(3).crash();
  world.host(4).crash();
  world.around().network->take_address(3, 4);
  world.host(3).start();
  world.host(4).start();
  EXPECT_TRUE(world.run_until_agreed(20s));
}

TEST(Faults, AClockSetRightShowsTheTrueTimeAndNeverRunsBackwards) {
  Clocks clocks{1000s};
  Instant const begin{};
  WallTime const first = clocks.wall(begin);
  clocks.drift(begin, -10'000);
  clocks.jump(10min);
  Instant const later = begin + 100s;
  EXPECT_EQ(clocks.local(later), begin + 1000s + 99s);
  EXPECT_EQ(clocks.wall(later), first + 99s + 600s);
  clocks.set_right(later);
  EXPECT_EQ(clocks.local(later), begin + 1000s + 99s);
  EXPECT_EQ(clocks.wall(later), first + 100s);
}

TEST(Faults, ARingIsNeverEarlyOnAClockThatDrifts) {
  for (std::int64_t const ppm : {-10'000, -1, 0, 1, 10'000}) {
    Clocks clocks{7s};
    clocks.drift(Instant{}, ppm);
    for (Duration const span : {1ns, 999ns, 12'345'678ns, Duration{60s}, Duration{1h}}) {
      Duration const left = clocks.local(Instant{} + clocks.until_local(span)) - (Instant{} + 7s);
      EXPECT_GE(left, span) << ppm;
      EXPECT_LT(left, span + 10ns) << ppm;
    }
  }
}

}  // namespace
}  // namespace chisme::simulation
