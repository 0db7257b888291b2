#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/replication/little_cluster.hpp"

// Writes of names that other nodes know more of, and writes while membership changes.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::SizeIs;

// Node 1's clock is ten minutes slow, and it does not hear of what nodes 2 and 3 write.
struct SlowClock : ::testing::Test {
  SlowClock() {
    cluster.set_wall(1, WallTime{std::chrono::milliseconds{1'700'000'000'000} - 10min});
    auto const first = cluster.put(2, "a", 1, {2, 3});
    cluster.run(settled);
    EXPECT_TRUE(cluster.outcome(first)->has_value());
    EXPECT_FALSE(cluster.sees(1, "a"));
  }
  Fault fault_of(WriteId write) const { return cluster.outcome(write)->error().fault; }
  LittleCluster cluster{{.nodes = 3, .gossip = false}};
};

TEST_F(SlowClock, AnOverwriteThroughItWinsThoughItDidNotKnow) {
  WriteId const write = cluster.put(1, "a", 2, {1, 2});
  cluster.run(settled);
  ASSERT_TRUE(cluster.outcome(write)->has_value());
  EXPECT_EQ(cluster.sent<WriteSuperseded>(), 1);
  EXPECT_EQ(cluster.current(1, "a"), digest(2));
  EXPECT_EQ(cluster.current(2, "a"), digest(2));
}

TEST_F(SlowClock, AConditionIsCheckedAgainAgainstWhatTheOthersHave) {
  WriteId const write = cluster.put(1, "a", 2, {1, 2}, Condition{true, false, {}, {}});
  cluster.run(settled);
  EXPECT_EQ(fault_of(write), Fault::precondition_failed);
  EXPECT_EQ(cluster.current(2, "a"), digest(1));
  EXPECT_EQ(cluster.current(1, "a"), digest(1));
}

TEST_F(SlowClock, ARefusalAfterSomebodyTookItIsNoRefusal) {
  LittleCluster four{{.nodes = 4, .gossip = false}};
  four.set_wall(1, WallTime{std::chrono::milliseconds{1'700'000'000'000} - 10min});
  four.put(2, "a", 1, {2, 3});
  four.run(settled);
  // Node 4 has taken it, for all that node 1 knows, when node 2 says that there is a newer one.
  four.stall_disk(4, true);
  WriteId const write = four.put(1, "a", 2, {1, 2, 4}, Condition{true, false, {}, {}});
  four.run(settled);
  ASSERT_TRUE(four.outcome(write).has_value());
  ASSERT_FALSE(four.outcome(write)->has_value());
  EXPECT_EQ(four.outcome(write)->error().fault, Fault::unknown_outcome);
}

TEST_F(SlowClock, AnOldNodeIsNotSentWhatItCannotRead) {
  cluster.set_versions(1, {1, 1, 1});
  WriteId const write = cluster.put(1, "a", 2, {1, 2});
  cluster.run(settled);
  EXPECT_TRUE(cluster.outcome(write)->has_value());
  EXPECT_EQ(cluster.sent<WriteSuperseded>(), 0);
}

// Several nodes may make one file, at any time: the write has its version from the beginning.
struct WriteOnceMore : ::testing::Test {
  WriteOnceMore() {
    auto const first = cluster.put(2, "a", 1, {2, 3});
    cluster.run(settled);
    version = (*cluster.outcome(first))->version;
  }
  Result<WriteOutcome> again(std::uint64_t at, std::vector<std::uint64_t> const& on) {
    WriteRequested request;
    request.name = "a";
    request.version = version;
    WriteId const write = cluster.put(at, request, 1, on);
    cluster.run(settled);
    return *cluster.outcome(write);
  }
  LittleCluster cluster{{.nodes = 3, .gossip = false}};
  Version version;
};

TEST_F(WriteOnceMore, IsTheSameWrite) {
  for (std::uint64_t const at : {1u, 2u, 3u}) {
    auto const outcome = again(at, {1, 2, 3});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->version, version);
    EXPECT_EQ(cluster.current(at, "a"), digest(1));
  }
}

// What decides the version of a write of "a" is newer than all that was written of it.
TEST_F(WriteOnceMore, ItsVersionMayBeThatOfAnotherName) {
  cluster.set_wall(3, WallTime{std::chrono::milliseconds{1'700'000'000'000} - 10min});
  WriteRequested request;
  request.name = "part of a";
  WriteId const careless = cluster.put(3, request, 4, {1, 3});
  request.newer_than = "a";
  WriteId const careful = cluster.put(3, request, 5, {1, 3});
  cluster.run(settled);
  EXPECT_LT((*cluster.outcome(careless))->version, version);
  EXPECT_GT((*cluster.outcome(careful))->version, version);
}

TEST_F(WriteOnceMore, UndoesNothingThatCameLater) {
  cluster.remove(2, "a");
  cluster.run(settled);
  auto const here = again(2, {2, 3});
  ASSERT_FALSE(here);
  EXPECT_EQ(here.error().fault, Fault::precondition_failed);
  // Node 1 has heard of nothing; who holds the file with it tells it.
  auto const elsewhere = again(1, {1, 2});
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().fault, Fault::precondition_failed);
  EXPECT_FALSE(cluster.sees(1, "a"));
  EXPECT_FALSE(cluster.sees(2, "a"));
}

TEST(MembershipDuringAWrite, NeitherOldNorNewPlacementMatters) {
  // Nodes 4 and 5 join, and 2 goes, between the placement of the object and its commit.
  LittleCluster cluster{{.nodes = 5}};
  cluster.set_state(4, MemberState::left);
  cluster.set_state(5, MemberState::left);
  cluster.stall_disk(1, true);
  WriteId const write = cluster.put(1, "a", 1, {1, 2, 3});
  cluster.run(100ms);
  EXPECT_FALSE(cluster.outcome(write).has_value());
  cluster.set_state(4, MemberState::alive);
  cluster.set_state(5, MemberState::alive);
  cluster.stop(2);
  cluster.set_state(2, MemberState::left);
  cluster.stall_disk(1, false);
  cluster.run(settled);
  ASSERT_TRUE(cluster.outcome(write)->has_value());
  for (std::uint64_t const number : {1u, 3u, 4u, 5u}) EXPECT_TRUE(cluster.sees(number, "a"));
  std::set<std::uint64_t> live = cluster.holders(1);
  live.erase(2);
  EXPECT_THAT(live, SizeIs(3));
}

TEST(MembershipDuringAWrite, ANodeThatJoinsAfterTheCommitFindsTheFileWithoutHavingItsRecord) {
  LittleCluster cluster{{.nodes = 5, .gossip = false}};
  cluster.set_state(5, MemberState::left);
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(settled);
  cluster.set_state(5, MemberState::alive);
  EXPECT_FALSE(cluster.sees(5, "a"));
  LookupId const lookup = cluster.look_up(5, "a");
  cluster.run(settled);
  EXPECT_TRUE(*cluster.found(lookup));
  EXPECT_TRUE(cluster.sees(5, "a"));
}

TEST(ManyWrites, EndInTheOrderInWhichTheyAreDurable) {
  LittleCluster cluster{{.nodes = 3}};
  std::vector<WriteId> writes;
  for (int i = 0; i < 200; ++i) {
    writes.push_back(cluster.put(1, "file " + std::to_string(i), 1, {1, 2}));
  }
  cluster.run(settled);
  for (WriteId const write : writes) EXPECT_TRUE(cluster.outcome(write)->has_value());
}

}  // namespace
}  // namespace chisme::cluster
