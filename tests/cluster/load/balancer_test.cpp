#include "cluster/load/balancer.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using testing::node;

constexpr Instant balanced_at{1000s};

// Three members that were up long enough for slow start: 1 (self), 2, 3.
ClusterView three_members() {
  ClusterView view;
  view.self = node(1);
  view.at = balanced_at;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    MemberView member;
    member.alive.id = node(i);
    member.self = i == 1;
    member.load.emplace().id = node(i);
    member.sampled = balanced_at;
    view.members.push_back(member);
  }
  return view;
}

std::vector<NodeId> const all_three{node(1), node(2), node(3)};

std::vector<NodeId> chosen_from(ClusterView const& view) {
  std::vector<NodeId> nodes;
  for (Candidate const& c : candidates(view, all_three, balanced_at, {})) nodes.push_back(c.node);
  return nodes;
}

TEST(Candidates, AreTheHoldersThatAreMembers) {
  ClusterView const view = three_members();
  std::vector<NodeId> const holders{node(2), node(9)};
  std::vector<Candidate> const found = candidates(view, holders, balanced_at, {});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].node, node(2));
  EXPECT_TRUE(candidates(view, {}, balanced_at, {}).empty());
}

TEST(Candidates, LeaveOutTheDeadSuspectDrainingAndUnwellAtOnce) {
  std::vector<NodeId> const others{node(1), node(2)};
  for (MemberState const state : {MemberState::suspect, MemberState::dead, MemberState::left}) {
    ClusterView view = three_members();
    view.members[2].state = state;
    EXPECT_EQ(chosen_from(view), others);
  }
  ClusterView view = three_members();
  view.members[2].alive.draining = true;
  EXPECT_EQ(chosen_from(view), others);
  view = three_members();
  view.members[2].load->health = 4;
  EXPECT_EQ(chosen_from(view), others);
  view = three_members();
  view.members[2].ejected = true;
  EXPECT_EQ(chosen_from(view), others);
}

TEST(Candidates, SuspectsAreBetterThanNobodyAndTheDeadAreNot) {
  ClusterView view = three_members();
  view.members[0].state = MemberState::dead;
  view.members[1].state = MemberState::suspect;
  view.members[2].alive.draining = true;
  EXPECT_EQ(chosen_from(view), std::vector<NodeId>{node(2)});
  view.members[1].state = MemberState::left;
  EXPECT_EQ(chosen_from(view), std::vector<NodeId>{node(3)});
  view.members[2].state = MemberState::dead;
  EXPECT_TRUE(chosen_from(view).empty());
}

TEST(Candidates, NoMoreThanHalfTheHoldersAreLeftOutForFailing) {
  ClusterView view = three_members();
  for (MemberView& member : view.members) member.ejected = true;
  EXPECT_EQ(chosen_from(view).size(), 2u);
}

TEST(Candidates, AnyNumberOfHoldersKeepsAtLeastTheLargerHalfInSpiteOfFailures) {
  for (std::uint64_t holders = 1; holders <= 9; ++holders) {
    for (std::uint64_t ejected = 0; ejected <= holders; ++ejected) {
      ClusterView view;
      std::vector<NodeId> ids;
      for (std::uint64_t i = 1; i <= holders; ++i) {
        MemberView member;
        member.alive.id = node(i);
        member.ejected = i <= ejected;
        view.members.push_back(member);
        ids.push_back(node(i));
      }
      std::uint64_t const left_out = std::min(ejected, holders / 2);
      EXPECT_EQ(candidates(view, ids, balanced_at, {}).size(), holders - left_out)
          << ejected << " ejected of " << holders;
    }
  }
}

TEST(Candidates, CountTheRedirectsSinceTheSampleWasMeasured) {
  ClusterView view = three_members();
  view.members[1].load->in_flight = 4;
  view.members[1].load->age_ms = 500;
  RedirectTally tally;
  tally.note(node(2), balanced_at - 600ms);
  tally.note(node(2), balanced_at - 400ms);
  tally.note(node(2), balanced_at + 100ms);
  std::vector<Candidate> const found = candidates(view, all_three, balanced_at + 200ms, tally);
  EXPECT_EQ(found[1].in_flight, 6);
  EXPECT_EQ(found[1].age, 700ms);
  EXPECT_EQ(found[0].age, 0ms);
}

TEST(Candidates, ANewNodeGrowsIntoItsShare) {
  ClusterView view = three_members();
  view.members[1].alive_since = balanced_at - 15s;
  view.members[2].alive_since = balanced_at;
  std::vector<Candidate> const found = candidates(view, all_three, balanced_at, {});
  EXPECT_DOUBLE_EQ(found[0].capacity, 1);
  EXPECT_DOUBLE_EQ(found[1].capacity, 0.5);
  EXPECT_DOUBLE_EQ(found[2].capacity, 0.1);
}

TEST(Candidates, AreWeighedAgainstTheHeaviestOfThem) {
  ClusterView view = three_members();
  view.members[0].alive.weight = 8;
  view.members[1].alive.weight = 2;
  view.members[2].alive.weight = 4;
  view.members[2].load->capacity = 0.5f;
  std::vector<Candidate> const found = candidates(view, all_three, balanced_at, {});
  EXPECT_DOUBLE_EQ(found[0].capacity, 1);
  EXPECT_DOUBLE_EQ(found[1].capacity, 0.25);
  EXPECT_DOUBLE_EQ(found[2].capacity, 0.25);
}

TEST(Candidates, ErrorsCountAsLoad) {
  ClusterView view = three_members();
  view.members[1].load->error_ratio = 0.5f;
  view.members[2].load->error_ratio = 1;
  std::vector<Candidate> const found = candidates(view, all_three, balanced_at, {});
  EXPECT_DOUBLE_EQ(found[1].capacity, 0.5);
  EXPECT_DOUBLE_EQ(found[2].capacity, 0.05);
}

std::map<NodeId, int> draws(std::vector<Candidate> const& from, int count) {
  Random random{7};
  std::map<NodeId, int> drawn;
  for (int i = 0; i < count; ++i) ++drawn[*choose(from, random)];
  return drawn;
}

TEST(Choose, NobodyFromNobody) {
  Random random{1};
  EXPECT_FALSE(choose({}, random));
}

TEST(Choose, WithFreshSamplesTakesTheLeastLoadedButForExploration) {
  std::vector<Candidate> const from{{.node = node(1), .in_flight = 5},
                                    {.node = node(2), .in_flight = 1},
                                    {.node = node(3), .in_flight = 9}};
  auto drawn = draws(from, 10'000);
  EXPECT_GT(drawn[node(2)], 9'800);
  EXPECT_GT(drawn[node(1)] + drawn[node(3)], 50);  // 2 % of the draws, two thirds of them
}

TEST(Choose, EveryCandidateIsTriedNowAndThen) {
  std::vector<Candidate> const from{{.node = node(1)},
                                    {.node = node(2), .capacity = 0.05, .in_flight = 1000},
                                    {.node = node(3), .in_flight = 1000}};
  auto drawn = draws(from, 100'000);
  EXPECT_NEAR(drawn[node(2)], 667, 100);  // a third of 2 %
  EXPECT_NEAR(drawn[node(3)], 667, 100);
}

TEST(Choose, ASmallNodeThatFewRequestsWouldOverrunIsDoubtedMore) {
  // Both are as loaded, by samples a second old; nine requests are expected.
  std::vector<Candidate> const from{
      {.node = node(1), .in_flight = 16, .arrival_rate = 6, .age = 1s},
      {.node = node(2), .capacity = 0.25, .in_flight = 4, .arrival_rate = 2, .age = 1s}};
  auto drawn = draws(from, 10'000);
  EXPECT_GT(drawn[node(1)], 9'800);
}

TEST(Choose, WithOldSamplesPoursTheExpectedArrivalsOverAll) {
  // V = 1 + 3 * 10 * 1 = 31 requests bring all that take some to a load of 20.
  std::vector<Candidate> const from{
      {.node = node(1), .in_flight = 0, .arrival_rate = 10, .age = 1s},
      {.node = node(2), .in_flight = 9, .arrival_rate = 10, .age = 1s},
      {.node = node(3), .in_flight = 20, .arrival_rate = 10, .age = 1s}};
  auto drawn = draws(from, 100'000);
  EXPECT_NEAR(drawn[node(1)], 98'000 * 20 / 31 + 667, 700);
  EXPECT_NEAR(drawn[node(2)], 98'000 * 11 / 31 + 667, 700);
  EXPECT_NEAR(drawn[node(3)], 667, 150);
}

TEST(Choose, AnEnormousExpectationIsPouredInPortions) {
  std::vector<Candidate> const from{
      {.node = node(1), .arrival_rate = 1e9, .age = 3600s},
      {.node = node(2), .capacity = 0.5, .arrival_rate = 1e9, .age = 3600s}};
  auto drawn = draws(from, 3'000);
  EXPECT_NEAR(drawn[node(1)], 2'000, 150);
}

TEST(Choose, WeighsByMeasuredCapacity) {
  std::vector<Candidate> const from{
      {.node = node(1), .capacity = 1, .arrival_rate = 500, .age = 1s},
      {.node = node(2), .capacity = 0.25, .arrival_rate = 500, .age = 1s}};
  auto drawn = draws(from, 10'000);
  // Four to one, were it not for the doubt of 89 requests about each.
  EXPECT_NEAR(drawn[node(1)] / static_cast<double>(drawn[node(2)]), 855 / 146.0, 0.6);
}

TEST(Rank, PutsTheLeastLoadPerCapacityFirst) {
  std::vector<Candidate> const from{{.node = node(1), .capacity = 1, .in_flight = 3},
                                    {.node = node(2), .capacity = 0.25, .in_flight = 1},
                                    {.node = node(3), .capacity = 0.5, .in_flight = 0}};
  Random random{1};
  std::vector<Ranked> const ranked = rank(from, random);
  ASSERT_EQ(ranked.size(), 3u);
  EXPECT_EQ(ranked[0].node, node(3));
  EXPECT_EQ(ranked[1].node, node(1));
  EXPECT_EQ(ranked[2].node, node(2));
  EXPECT_DOUBLE_EQ(ranked[2].load, 8);
}

TEST(Rank, EqualOnesTakeTurnsAtTheTop) {
  std::vector<Candidate> const from{{.node = node(1)}, {.node = node(2)}, {.node = node(3)}};
  Random random{1};
  std::map<NodeId, int> first;
  for (int i = 0; i < 3000; ++i) ++first[rank(from, random)[0].node];
  for (auto const& [id, count] : first) EXPECT_NEAR(count, 1000, 150) << to_string(id);
  EXPECT_EQ(first.size(), 3u);
}

TEST(Bounce, OnlyToOneThatIsClearlyBetter) {
  std::vector<Candidate> from{{.node = node(1), .in_flight = 2, .self = true},
                              {.node = node(2), .in_flight = 0},
                              {.node = node(3), .in_flight = 5}};
  EXPECT_EQ(bounce(from), node(2));
  from[0].in_flight = 1;
  EXPECT_EQ(bounce(from), std::nullopt);
}

TEST(Bounce, ANodeThatKnowsWhenItIsFullServesUntilThen) {
  std::vector<Candidate> from{{.node = node(1), .in_flight = 18, .full_at = 20, .self = true},
                              {.node = node(2), .in_flight = 0}};
  EXPECT_EQ(bounce(from), std::nullopt);
  from[0].in_flight = 19;
  EXPECT_EQ(bounce(from), node(2));
  from[1].in_flight = 19;  // as full
  EXPECT_EQ(bounce(from), std::nullopt);
}

TEST(Bounce, AnIdleNodeAndTheOnlyHolderServeThemselves) {
  std::vector<Candidate> from{{.node = node(1), .in_flight = 0, .self = true}, {.node = node(2)}};
  EXPECT_EQ(bounce(from), std::nullopt);
  from[0].in_flight = 100;
  EXPECT_EQ(bounce(from), node(2));
  from.pop_back();
  EXPECT_EQ(bounce(from), std::nullopt);
  from[0].self = false;
  EXPECT_EQ(bounce(from), std::nullopt);
}

}  // namespace
}  // namespace chisme::cluster
