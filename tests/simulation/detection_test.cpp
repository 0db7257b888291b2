#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/load/balancer.hpp"
#include "tests/simulation/pace.hpp"
#include "tests/simulation/world.hpp"

namespace chisme::simulation {
namespace {

using namespace cluster;
using namespace std::chrono_literals;

bool redirects_to(Host const& from, NodeId target) {
  ClusterView const view = from.view();
  std::vector<NodeId> everybody;
  for (MemberView const& member : view.members) everybody.push_back(member.alive.id);
  auto const found = candidates(view, everybody, from.local_now(), {});
  return std::any_of(found.begin(), found.end(),
                     [target](Candidate const& candidate) { return candidate.node == target; });
}

bool holds_for_dead(Host const& observer, NodeId target) {
  ClusterView const view = observer.view();
  return std::any_of(view.members.begin(), view.members.end(), [target](auto const& member) {
    return member.alive.id == target && member.state == MemberState::dead;
  });
}

struct Detection {
  Duration dropped{};   // until nobody redirects to it
  Duration declared{};  // until everybody holds it for dead
};

Detection detect(std::uint64_t seed, double loss) {
  Scenario scenario;
  scenario.seed = seed;
  World world{scenario};
  world.start_all();
  EXPECT_TRUE(world.run_until_agreed(10s)) << "seed " << seed;
  world.around().network->weather().loss = loss;
  Random random{seed};
  world.run_for(3s + std::chrono::milliseconds{random.below(1000)});
  auto const victim = static_cast<unsigned>(random.below(scenario.nodes));
  NodeId const dead = world.host(victim).id();
  world.host(victim).crash();
  Instant const killed = world.now();
  Detection detection;
  for (bool dropped = false, declared = false; !declared && world.now() < killed + 20s;) {
    world.run_for(10ms);
    dropped = declared = true;
    for (auto const& host : world.around().hosts) {
      if (!host->is_up()) continue;
      dropped = dropped && !redirects_to(*host, dead);
      declared = declared && holds_for_dead(*host, dead);
    }
    if (!dropped) detection.dropped = world.now() - killed;
    if (!declared) detection.declared = world.now() - killed;
  }
  return detection;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

// Runs 50 clusters of five; no survivor may redirect to the dead node after `most`.
void expect_detection_within(Duration most, double loss) {
  std::vector<double> dropped;
  std::vector<double> declared;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Detection const detection = detect(seed, loss);
    EXPECT_LE(detection.dropped, most) << "seed " << seed;
    EXPECT_LE(detection.declared, most) << "seed " << seed;
    dropped.push_back(seconds(detection.dropped));
    declared.push_back(seconds(detection.declared));
  }
  std::sort(dropped.begin(), dropped.end());
  std::sort(declared.begin(), declared.end());
  std::printf(
      "loss %.0f %%: out of redirects p50 %.2f s, worst %.2f s; dead at all p50 %.2f s, "
      "worst %.2f s\n",
      loss * 100, dropped[25], dropped[49], declared[25], declared[49]);
}

TEST(Detection, AKilledNodeOfFiveIsOutOfRedirectsAndDeclaredDeadWithinTwoSeconds) {
  expect_detection_within(2s, 0);
}

TEST(Detection, OnePercentLossChangesLittle) {
  expect_detection_within(2500ms, 0.01);
}

TEST(Detection, ARestartedNodeTakesRedirectsAgainWithinSeconds) {
  World world{Scenario{}};
  world.start_all();
  ASSERT_TRUE(world.run_until_agreed(10s));
  Host& victim = world.host(2);
  victim.crash();
  world.run_for(30s);
  victim.start();
  world.run_for(8s);
  for (auto const& host : world.around().hosts) {
    EXPECT_TRUE(redirects_to(*host, victim.id())) << "node " << host->index();
  }
}

// Of all packets, those of streams included: 24 clusters of each profile, for a hundred probes
// each.
void expect_no_false_death(double loss) {
  for (NetworkKind const network : {NetworkKind::loopback, NetworkKind::lan, NetworkKind::wan}) {
    for (std::uint64_t seed = 1; seed <= (is_optimised ? 24u : 4u); ++seed) {
      Scenario scenario;
      scenario.seed = seed;
      scenario.nodes = seed % 4 == 0 ? 12 : 5;
      scenario.network = network;
      scenario.writes = seed % 6 == 0;  // streams of one kind or another there are always
      scenario.faults_for = 100 * profile_of(scenario).probe_period;
      FaultEvent lossy;
      lossy.lasts = scenario.faults_for;
      lossy.amount = loss;
      Report const report = World{scenario, Schedule{{lossy}}}.run();
      for (Violation const& violation : report.violations) {
        ADD_FAILURE() << "seed " << seed << ", network " << static_cast<int>(network) << ": "
                      << to_string(violation);
      }
    }
  }
}

// World looks whether all agree two seconds after the last write.
TEST(Detection, AllAgreeWithinSecondsOfQuietAtTenPercentLoss) {
  for (std::uint64_t seed = 1; seed <= (is_optimised ? 40u : 8u); ++seed) {
    Scenario scenario;
    scenario.seed = seed;
    scenario.nodes = seed % 4 == 0 ? 20 : 5;
    scenario.faults_for = 14s;
    FaultEvent lossy;
    lossy.lasts = scenario.faults_for;
    lossy.amount = 0.1;
    Schedule const schedule{{lossy}};
    ASSERT_TRUE(is_fair(schedule, scenario));
    for (Violation const& violation : World{scenario, schedule}.run().violations) {
      ADD_FAILURE() << "seed " << seed << ": " << to_string(violation);
    }
  }
}

TEST(Detection, NobodyIsHeldForDeadWithoutCauseAtFivePercentLoss) {
  expect_no_false_death(0.05);
}

TEST(Detection, NobodyIsHeldForDeadWithoutCauseAtThirtyPercentLoss) {
  expect_no_false_death(0.3);
}

}  // namespace
}  // namespace chisme::simulation
