#include <gtest/gtest.h>

#include "tests/cluster/replication/little_cluster.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;

// Gossip is off, so that only those who took part in a write know of it.
struct Lookup : ::testing::Test {
  LittleCluster cluster{{.gossip = false}};
};

TEST_F(Lookup, FindsWhatAnotherNodeKnows) {
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  ASSERT_FALSE(cluster.sees(5, "a"));
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_TRUE(cluster.found(lookup)->value());
  EXPECT_TRUE(cluster.sees(5, "a"));
}

TEST_F(Lookup, SaysAbsentWhenAMajorityDoes) {
  cluster.kill(1);
  cluster.kill(2);
  LookupId const lookup = cluster.look_up(5, "a");
  EXPECT_FALSE(cluster.found(lookup));
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_FALSE(cluster.found(lookup)->value());
}

TEST_F(Lookup, AMajorityThatDoesNotKnowOfAWriteDoesNotMakeItAbsent) {
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  // Nodes 3 and 4 answer node 5 at once, and know nothing; nodes 1 and 2 are not reached.
  cluster.cut(5, 1);
  cluster.cut(5, 2);
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon);
  EXPECT_FALSE(cluster.found(lookup)) << "two nodes that are alive have not answered";
  cluster.run(Lookups::patience);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_FALSE(cluster.found(lookup)->value()) << "a majority's word, after a second";
}

TEST_F(Lookup, IsUnavailableWhenAMajorityIsDead) {
  for (std::uint64_t const number : {1u, 2u, 3u}) cluster.kill(number);
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(500ms);
  EXPECT_FALSE(cluster.found(lookup));
  cluster.run(600ms);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_EQ(cluster.found(lookup)->error().fault, Fault::unavailable);
}

TEST_F(Lookup, IsUnavailableWhileMostOfTheRememberedPeersWereNotMet) {
  cluster.lose_touch(5);
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon + Lookups::patience);
  ASSERT_TRUE(cluster.found(lookup));
  ASSERT_FALSE(*cluster.found(lookup)) << "all whom it knows have answered";
  EXPECT_EQ(cluster.found(lookup)->error().fault, Fault::unavailable);
}

TEST_F(Lookup, DoesNotCountNodesThatLeft) {
  for (std::uint64_t const number : {1u, 2u, 3u}) {
    cluster.stop(number);
    cluster.set_state(number, MemberState::left);
  }
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_FALSE(cluster.found(lookup)->value());
}

TEST_F(Lookup, FindsANewerVersionThanItsOwn) {
  cluster.put(1, "a", 1, {1, 5});
  cluster.run(soon);
  cluster.put(1, "a", 2, {1, 2});
  cluster.run(soon);
  LookupId const lookup = cluster.look_up(5, "a");
  EXPECT_FALSE(cluster.found(lookup)) << "the old version is no answer";
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_TRUE(cluster.found(lookup)->value());
  LookupId const again = cluster.look_up(5, "a");
  cluster.run(soon);
  EXPECT_TRUE(cluster.found(again)->value()) << "nobody has a newer one";
}

// Node 5 has the name, but has not heard yet who has the bytes.
TEST_F(Lookup, FindsTheCopiesOfAFileThatItKnows) {
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  for (std::uint64_t const number : {3u, 5u}) cluster.look_up(number, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.sees(5, "a"));
  cluster.kill(1);
  cluster.kill(2);
  cluster.store(3, 1);
  cluster.run(soon);  // its Have is durable
  cluster.cut(5, 4);
  LookupId const lookup = cluster.look_up(5, "a");
  EXPECT_FALSE(cluster.found(lookup));
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_TRUE(cluster.found(lookup)->value());
}

TEST_F(Lookup, CallsNoFileLostWhileALiveNodeHasNotAnswered) {
  cluster.put(1, "a", 1, {1, 5});
  cluster.run(soon);
  cluster.kill(1);
  cluster.lose(5, 1);
  cluster.cut(5, 4);
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon + Lookups::patience);
  ASSERT_TRUE(cluster.found(lookup));
  ASSERT_FALSE(*cluster.found(lookup));
  EXPECT_EQ(cluster.found(lookup)->error().fault, Fault::unavailable);
  cluster.heal();
  LookupId const again = cluster.look_up(5, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(again));
  EXPECT_TRUE(cluster.found(again)->value()) << "it exists, and nobody has it";
}

TEST_F(Lookup, LearnsOfARemoval) {
  cluster.put(1, "a", 1, {1, 5});
  cluster.run(soon);
  cluster.stop(5);
  cluster.set_state(5, MemberState::suspect);
  cluster.remove(1, "a");
  cluster.run(2s);
  cluster.set_state(5, MemberState::dead);
  cluster.run(soon);
  cluster.start(5);
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.found(lookup));
  EXPECT_FALSE(cluster.found(lookup)->value());
  EXPECT_FALSE(cluster.sees(5, "a"));
}

TEST_F(Lookup, OfANodeAloneIsAnsweredAtOnce) {
  LittleCluster alone{{.nodes = 1, .copies_wanted = 1, .copies_durable = 1}};
  LookupId const lookup = alone.look_up(1, "a");
  ASSERT_TRUE(alone.found(lookup));
  EXPECT_FALSE(alone.found(lookup)->value());
}

TEST(Lookups, ANodeThatLacksWhatIsBeforeAHorizonSaysOfNothingThatItIsAbsent) {
  NodeId const here{0, 1};
  NodeId const writer{0, 2};
  LogPosition const floor{writer, LogKind::names, Epoch{1}, 9};
  Catalogue catalogue(here, Epoch{1}, {}, Instant{});
  Effects out;
  catalogue.adopt({{1, writer}, {floor}, {}}, {}, Instant{}, out);
  std::vector<MemberView> members(1);
  members[0].alive.id = here;
  members[0].self = true;
  Situation situation{.self = here, .members = members};
  Lookups lookups(2, Epoch{1});
  auto const answers = [&] {
    std::vector<LookupFinished> found;
    for (Effect const& effect : std::exchange(out, {})) {
      if (auto const* answer = std::get_if<LookupFinished>(&effect)) found.push_back(*answer);
    }
    return found;
  };
  lookups.handle({LookupId{1}, "a"}, catalogue, situation, out);
  EXPECT_TRUE(answers().empty());
  situation.now += Lookups::patience;
  lookups.tick(catalogue, situation, out);
  auto const given_up = answers();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].found.error().fault, Fault::unavailable);
  catalogue.merge({{}, {floor}}, Catalogue::Source::same_horizon, situation.now, out);
  lookups.handle({LookupId{2}, "a"}, catalogue, situation, out);
  auto const absent = answers();
  ASSERT_EQ(absent.size(), 1u);
  EXPECT_FALSE(absent[0].found.value());
}

TEST_F(Lookup, InALargeClusterAsksAMajorityOnly) {
  LittleCluster large{{.nodes = 40, .gossip = false}};
  LookupId const lookup = large.look_up(1, "a");
  large.run(soon);
  ASSERT_TRUE(large.found(lookup));
  EXPECT_FALSE(large.found(lookup)->value());
  EXPECT_LE(large.sent<LookupName>(), 25);
}

TEST_F(Lookup, BeyondABoundIsBusy) {
  LookupId last{};
  for (std::size_t i = 0; i <= Limits{}.lookups; ++i) last = cluster.look_up(1, "a");
  ASSERT_TRUE(cluster.found(last));
  EXPECT_EQ(cluster.found(last)->error().fault, Fault::busy);
}

}  // namespace
}  // namespace chisme::cluster
