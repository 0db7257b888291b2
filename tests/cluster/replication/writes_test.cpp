#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/replication/little_cluster.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// The fault of a write that has failed; nullopt while it is under way or when it succeeded.
std::optional<Fault> fault(LittleCluster const& cluster, WriteId write) {
  auto const outcome = cluster.outcome(write);
  if (!outcome || outcome->has_value()) return std::nullopt;
  return outcome->error().fault;
}

bool succeeded(LittleCluster const& cluster, WriteId write) {
  auto const outcome = cluster.outcome(write);
  return outcome && outcome->has_value();
}

TEST(Writes, AreAcknowledgedOnceTwoNodesHaveThem) {
  LittleCluster cluster{{}};
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  EXPECT_FALSE(cluster.outcome(write));
  cluster.run(soon);
  ASSERT_TRUE(succeeded(cluster, write));
  EXPECT_THAT((*cluster.outcome(write))->copies, UnorderedElementsAre(node(1), node(2)));
  EXPECT_TRUE((*cluster.outcome(write))->created);
  EXPECT_TRUE(cluster.sees(1, "a"));
  EXPECT_TRUE(cluster.sees(2, "a"));
}

TEST(Writes, ReachEveryNodeWithinTwoSeconds) {
  LittleCluster cluster{{}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.put(3, std::string(1024, 'x'), 2, {3, 4});  // too long for gossip
  cluster.run(2s);
  for (std::uint64_t number = 1; number <= 5; ++number) {
    EXPECT_TRUE(cluster.sees(number, "a"));
    EXPECT_TRUE(cluster.sees(number, std::string(1024, 'x')));
  }
  EXPECT_TRUE(cluster.agree());
}

TEST(Writes, OfTextsThatNoNodeWouldReadAreRefused) {
  LittleCluster cluster{{}};
  WriteId const named = cluster.put(1, std::string(1025, 'x'), 1, {1, 2});
  WriteRequested request;
  request.name = "a";
  request.what = StoreFile{digest(1), ByteCount{10}, std::string(128, 't')};
  WriteId const typed = cluster.put(1, request, 1, {1, 2});
  EXPECT_EQ(fault(cluster, named), Fault::invalid);
  EXPECT_EQ(fault(cluster, typed), Fault::invalid);
}

TEST(Writes, AreInvisibleAtTheWriterUntilTheyAreDurable) {
  LittleCluster cluster{{}};
  cluster.stall_disk(2, true);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(2s);
  EXPECT_FALSE(cluster.outcome(write));
  for (std::uint64_t number = 1; number <= 5; ++number) EXPECT_FALSE(cluster.sees(number, "a"));
  cluster.stall_disk(2, false);
  cluster.run(soon);
  EXPECT_TRUE(succeeded(cluster, write));
}

TEST(Writes, NeedTheWritersOwnDiskToo) {
  LittleCluster cluster{{}};
  WriteId const first = cluster.put(1, "first", 1, {1, 2});
  cluster.run(soon);
  ASSERT_TRUE(succeeded(cluster, first));
  cluster.stall_disk(1, true);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(1s);
  EXPECT_FALSE(cluster.outcome(write));
  EXPECT_TRUE(cluster.sees(2, "a"));
  EXPECT_FALSE(cluster.sees(1, "a")) << "not even when others tell it";
  cluster.run(LittleCluster::write_timeout);
  EXPECT_EQ(fault(cluster, write), Fault::unknown_outcome);
  cluster.stall_disk(1, false);
  EXPECT_TRUE(cluster.sees(1, "a"));
}

TEST(Writes, WithoutASecondNodeInReachAreRefusedAtOnceAndLeaveNothing) {
  LittleCluster cluster{{.nodes = 3}};
  cluster.kill(2);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  EXPECT_EQ(fault(cluster, write), Fault::no_quorum);
  WriteId const alone = cluster.put(1, "b", 2, {1});
  EXPECT_EQ(fault(cluster, alone), Fault::no_quorum);
  cluster.run(10s);
  cluster.stop(1);
  cluster.start(1);
  cluster.run(10s);
  for (std::uint64_t const number : {1u, 3u}) {
    EXPECT_FALSE(cluster.sees(number, "a"));
    EXPECT_FALSE(cluster.sees(number, "b"));
  }
}

// They would have dots that were given before, and be taken for superseded.
TEST(Writes, ByANodeThatRunsFromAnOldCopyOfItsDiskAreRefused) {
  LittleCluster cluster{{}};
  cluster.stop(1);
  cluster.start(1);
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(60s);
  cluster.stop(1);
  cluster.start_from_first_copy(1);
  WriteId const write = cluster.put(1, "b", 2, {1, 2});
  cluster.run(soon);
  EXPECT_EQ(fault(cluster, write), Fault::no_quorum);
  cluster.run(60s);
  EXPECT_FALSE(cluster.sees(2, "b"));
  EXPECT_TRUE(cluster.replication(1).is_outlived());
  EXPECT_FALSE(cluster.replication(2).is_outlived());
}

TEST(Writes, AHolderThatLostTheObjectMeanwhileRefusesAndNothingIsVisible) {
  LittleCluster cluster{{}};
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.lose(2, 1);  // before the commit arrives
  cluster.run(soon);
  EXPECT_EQ(fault(cluster, write), Fault::no_quorum);
  cluster.run(5s);
  EXPECT_FALSE(cluster.sees(1, "a"));
  EXPECT_FALSE(cluster.sees(2, "a"));
}

// A copy without a name does not stay for ever, and an upload may wait for its other holders.
TEST(Writes, DoNotCountTheWritersOwnCopyOnceItIsGone) {
  LittleCluster cluster{{}};
  for (std::uint64_t const number : {1u, 2u, 3u}) cluster.store(number, 1);
  cluster.lose(1, 1);
  auto const named = [](char const* name) {
    WriteRequested request;
    request.name = name;
    return request;
  };
  WriteId const too_few = cluster.write(1, named("a"), 1, {1, 2});
  WriteId const enough = cluster.write(1, named("b"), 1, {1, 2, 3});
  cluster.run(soon);
  EXPECT_EQ(fault(cluster, too_few), Fault::no_quorum);
  ASSERT_TRUE(succeeded(cluster, enough));
  EXPECT_THAT((*cluster.outcome(enough))->copies, UnorderedElementsAre(node(2), node(3)));
}

// A refusal promises that the write never becomes visible, and this one does: it is on a disk.
TEST(Writes, AHolderThatLosesTheObjectWhileItSavesLeavesTheOutcomeUnknown) {
  LittleCluster cluster{{}};
  cluster.stall_disk(2, true);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  cluster.lose(2, 1);
  cluster.stall_disk(2, false);
  cluster.run(LittleCluster::write_timeout);
  EXPECT_TRUE(cluster.sees(2, "a"));
  EXPECT_EQ(fault(cluster, write), Fault::unknown_outcome);
}

TEST(Writes, AHolderThatTookTheRecordAndThenRefusesItLeavesTheOutcomeUnknown) {
  LittleCluster cluster{{}};
  cluster.stall_disk(2, true);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  cluster.lose(2, 1);
  cluster.run(LittleCluster::write_timeout);  // asked again meanwhile
  EXPECT_EQ(fault(cluster, write), Fault::unknown_outcome);
  cluster.stall_disk(2, false);
  EXPECT_TRUE(cluster.sees(2, "a"));
}

TEST(Writes, WhoseHolderDiesInBetweenHaveAnUnknownOutcomeAndStay) {
  LittleCluster cluster{{}};
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.stop(2);
  cluster.run(1s);
  EXPECT_FALSE(cluster.outcome(write));
  cluster.set_state(2, MemberState::dead);
  EXPECT_EQ(fault(cluster, write), Fault::unknown_outcome);
  cluster.run(1s);
  EXPECT_TRUE(cluster.sees(1, "a"));
  EXPECT_TRUE(cluster.sees(3, "a"));
}

TEST(Writes, GiveUpAfterTheTimeoutWhenAHolderSaysNothing) {
  LittleCluster cluster{{}};
  cluster.cut(1, 2);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(LittleCluster::write_timeout - 100ms);
  EXPECT_FALSE(cluster.outcome(write));
  cluster.run(200ms);
  EXPECT_EQ(fault(cluster, write), Fault::unknown_outcome);
}

TEST(Writes, SurviveAStreamThatBreaks) {
  LittleCluster cluster{{}};
  cluster.cut(1, 2);
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(100ms);
  cluster.heal();
  cluster.run(1s);
  EXPECT_TRUE(succeeded(cluster, write));
}

TEST(Writes, SucceedWithTwoOfThreeHolders) {
  LittleCluster cluster{{}};
  cluster.cut(1, 2);
  WriteId const write = cluster.put(1, "a", 1, {1, 2, 3});
  cluster.run(soon);
  ASSERT_TRUE(succeeded(cluster, write));
  EXPECT_THAT((*cluster.outcome(write))->copies, UnorderedElementsAre(node(1), node(3)));
}

TEST(Writes, OfANodeAloneNeedNobodyElse) {
  LittleCluster cluster{{.nodes = 1, .copies_wanted = 1, .copies_durable = 1}};
  WriteId const write = cluster.put(1, "a", 1, {1});
  cluster.run(soon);
  EXPECT_TRUE(succeeded(cluster, write));
  WriteId const removal = cluster.remove(1, "a");
  cluster.run(soon);
  EXPECT_TRUE(succeeded(cluster, removal));
  EXPECT_FALSE(cluster.sees(1, "a"));
}

TEST(Writes, OfOneNameAreOrderedByVersion) {
  LittleCluster cluster{{}};
  WriteId const first = cluster.put(1, "a", 1, {1, 2});
  WriteId const second = cluster.put(1, "a", 2, {1, 2});
  WriteId const other = cluster.put(3, "a", 3, {3, 4});
  cluster.run(3s);
  ASSERT_TRUE(succeeded(cluster, first) && succeeded(cluster, second));
  ASSERT_TRUE(succeeded(cluster, other));
  EXPECT_LT((*cluster.outcome(first))->version, (*cluster.outcome(second))->version);
  EXPECT_TRUE(cluster.agree());
}

TEST(Writes, MeetTheirConditionsOrChangeNothing) {
  LittleCluster cluster{{}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  Condition const absent{.must_be_absent = true, .must_match = {}, .must_not_match = {}};
  Condition const present{.must_exist = true, .must_match = {}, .must_not_match = {}};
  Condition const old{.must_match = {digest(7)}, .must_not_match = {}};
  Condition const current{.must_match = {digest(7), digest(1)}, .must_not_match = {}};
  Condition const other{.must_match = {}, .must_not_match = {digest(1)}};
  EXPECT_EQ(fault(cluster, cluster.put(1, "a", 2, {1, 2}, absent)), Fault::precondition_failed);
  EXPECT_EQ(fault(cluster, cluster.put(1, "b", 2, {1, 2}, present)), Fault::precondition_failed);
  EXPECT_EQ(fault(cluster, cluster.put(1, "a", 2, {1, 2}, old)), Fault::precondition_failed);
  EXPECT_EQ(fault(cluster, cluster.put(1, "b", 2, {1, 2}, old)), Fault::precondition_failed);
  EXPECT_EQ(fault(cluster, cluster.put(1, "a", 2, {1, 2}, other)), Fault::precondition_failed);
  WriteId const good = cluster.put(1, "a", 2, {1, 2}, current);
  WriteId const fresh = cluster.put(1, "c", 2, {1, 2}, absent);
  cluster.run(soon);
  EXPECT_TRUE(succeeded(cluster, good));
  EXPECT_FALSE((*cluster.outcome(good))->created);
  EXPECT_TRUE(succeeded(cluster, fresh));
}

TEST(Writes, ARemovalGoesToAnotherNodeWhenTheFirstFails) {
  LittleCluster cluster{{}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(2s);
  cluster.stop(2);
  cluster.cut(1, 3);
  WriteId const removal = cluster.remove(1, "a");
  cluster.run(100ms);
  cluster.set_state(2, MemberState::dead);
  cluster.set_state(3, MemberState::dead);
  cluster.run(1s);
  EXPECT_TRUE(succeeded(cluster, removal));
  EXPECT_FALSE(cluster.sees(1, "a"));
}

TEST(Writes, ARemovalGoesToAnotherNodeWhenTheFirstDoesNotAnswer) {
  LittleCluster cluster{{}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(5s);
  cluster.stall_disk(2, true);
  WriteId const removal = cluster.remove(1, "a");
  cluster.run(2s);
  ASSERT_TRUE(cluster.outcome(removal));
  EXPECT_TRUE(*cluster.outcome(removal));
  EXPECT_FALSE(cluster.sees(1, "a"));
}

TEST(Writes, ARemovalOfNothingIsNotFound) {
  LittleCluster cluster{{}};
  EXPECT_EQ(fault(cluster, cluster.remove(1, "a")), Fault::not_found);
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  cluster.remove(1, "a");
  cluster.run(soon);
  EXPECT_EQ(fault(cluster, cluster.remove(1, "a")), Fault::not_found);
}

TEST(Writes, FromTheFarFutureAreNotAcknowledged) {
  LittleCluster cluster{{}};
  cluster.set_wall(1, WallTime{std::chrono::milliseconds{1'700'000'000'000} + 10min});
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  EXPECT_EQ(fault(cluster, write), Fault::no_quorum);
}

TEST(Writes, BeyondABoundAreRefusedAsBusy) {
  LittleCluster cluster{{.gossip = false}};
  cluster.cut(1, 2);
  std::optional<Fault> last;
  for (std::size_t i = 0; i <= Limits{}.writes; ++i) {
    last = fault(cluster, cluster.put(1, std::to_string(i), 1, {1, 2}));
  }
  EXPECT_EQ(last, Fault::busy);
}

TEST(Writes, AcknowledgedSurviveARestartOfAllNodes) {
  LittleCluster cluster{{}};
  WriteId const write = cluster.put(1, "a", 1, {1, 2});
  cluster.run(soon);
  ASSERT_TRUE(succeeded(cluster, write));
  for (std::uint64_t number = 1; number <= 5; ++number) cluster.stop(number);
  for (std::uint64_t number = 1; number <= 5; ++number) cluster.start(number);
  cluster.run(3s);
  for (std::uint64_t number = 1; number <= 5; ++number) EXPECT_TRUE(cluster.sees(number, "a"));
  EXPECT_TRUE(cluster.agree());
}

TEST(Writes, ANodeThatWasAwayCatchesUp) {
  LittleCluster cluster{{}};
  cluster.put(1, "gone", 1, {1, 2});
  cluster.run(2s);
  cluster.kill(5);
  cluster.put(1, "new", 2, {1, 2});
  cluster.remove(1, "gone");
  cluster.run(2s);
  cluster.start(5);
  cluster.run(3s);
  EXPECT_TRUE(cluster.sees(5, "new"));
  EXPECT_FALSE(cluster.sees(5, "gone"));
  EXPECT_TRUE(cluster.agree());
}

}  // namespace
}  // namespace chisme::cluster
