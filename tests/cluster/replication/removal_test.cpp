#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/replication/unreferenced.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

// What becomes of objects that no name refers to.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Duration kept = LittleCluster::unreferenced_kept;

struct Removal : ::testing::Test {
  Removal() {
    cluster.put(1, "a", 1, {1, 2});
    cluster.run(settled);
  }
  LittleCluster cluster{{.nodes = 4}};
};

TEST_F(Removal, TheObjectOfARemovedFileIsKeptAWhileAndThenGoesEverywhere) {
  cluster.remove(1, "a");
  cluster.run(kept - 1s);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  cluster.run(3s);
  EXPECT_THAT(cluster.holders(1), IsEmpty());
  EXPECT_TRUE(cluster.agree());
  EXPECT_TRUE(cluster.events<CopiesLost>(1).empty());
}

TEST_F(Removal, WhatOnlyScratchNamesReferredToGoesSoon) {
  cluster.put(1, "scratch/a", 5, {1, 2});
  cluster.run(settled);
  cluster.remove(1, "scratch/a");
  cluster.run(LittleCluster::scratch_kept - 1s);
  EXPECT_THAT(cluster.holders(5), SizeIs(3));
  cluster.run(4s);
  EXPECT_THAT(cluster.holders(5), IsEmpty());
}

TEST_F(Removal, ACopyOfAScratchFileThatComesAfterItsRemovalGoesSoonToo) {
  cluster.put(1, "scratch/a", 5, {1, 2});
  cluster.run(30ms);
  cluster.remove(1, "scratch/a");
  cluster.run(1s);
  ASSERT_THAT(cluster.holders(5), SizeIs(3)) << "a transfer was under way";
  cluster.run(LittleCluster::scratch_kept + 3s);
  EXPECT_THAT(cluster.holders(5), IsEmpty());
}

TEST_F(Removal, WhatHasANameBesideAScratchOneIsKeptAsLongAsOthers) {
  cluster.put(1, "scratch/a", 1, {1, 2});
  cluster.run(settled);
  cluster.remove(1, "scratch/a");
  cluster.run(2 * LittleCluster::scratch_kept);
  EXPECT_THAT(cluster.holders(1), SizeIs(3)) << "a file has the same bytes";
  cluster.remove(1, "a");
  cluster.run(kept - 1s);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Removal, AnUploadOfTheBytesOfARemovedScratchFileIsKept) {
  cluster.put(1, "scratch/a", 5, {1, 2});
  cluster.run(settled);
  cluster.remove(1, "scratch/a");
  cluster.run(1s);
  cluster.store(2, 5);
  cluster.run(kept - 2s);
  EXPECT_THAT(cluster.holders(5), Contains(2u));
}

TEST_F(Removal, AReplacedVersionGoesAndTheNewOneStays) {
  cluster.put(2, "a", 2, {2, 3});
  cluster.run(kept + 10s);
  EXPECT_THAT(cluster.holders(1), IsEmpty());
  EXPECT_THAT(cluster.holders(2), SizeIs(3));
}

TEST_F(Removal, TheLoserOfConcurrentWritesGoes) {
  cluster.put(1, "b", 3, {1, 2});
  cluster.put(3, "b", 4, {3, 4});
  cluster.run(kept + 10s);
  bool const third_won = !cluster.holders(3).empty();
  EXPECT_THAT(cluster.holders(third_won ? 3 : 4), SizeIs(3));
  EXPECT_THAT(cluster.holders(third_won ? 4 : 3), IsEmpty());
}

TEST_F(Removal, AnObjectThatAnotherNameRefersToStays) {
  cluster.put(1, "same content", 1, {1, 2});
  cluster.run(settled);
  cluster.remove(1, "a");
  cluster.run(2 * kept);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Removal, AnUploadThatIsNeverCommittedGoesToo) {
  cluster.store(2, 9);
  cluster.run(kept - 1s);
  EXPECT_THAT(cluster.holders(9), SizeIs(1));
  cluster.run(3s);
  EXPECT_THAT(cluster.holders(9), IsEmpty());
}

TEST_F(Removal, AnUploadThatComesAgainIsKeptFromThenOn) {
  cluster.store(2, 9);
  cluster.run(kept - 1s);
  cluster.store(2, 9);
  cluster.run(kept - 1s);
  EXPECT_THAT(cluster.holders(9), SizeIs(1));
  cluster.put(2, "late", 9, {2, 3});
  cluster.run(2 * kept);
  EXPECT_THAT(cluster.holders(9), SizeIs(3));
}

TEST_F(Removal, ANearlyFullDiskKeepsThemLessLong) {
  cluster.set_disk(2, 0.95F);
  cluster.remove(1, "a");
  cluster.run(kept / 4 + 10s);
  EXPECT_FALSE(cluster.holders(1).contains(2));
  EXPECT_TRUE(cluster.holders(1).contains(1));
}

TEST_F(Removal, NothingGoesWhileTooFewMembersAreInSight) {
  cluster.remove(1, "a");
  cluster.run(1min);
  for (std::uint64_t const number : {2u, 3u, 4u}) cluster.set_state(number, MemberState::dead);
  cluster.run(2 * kept);
  EXPECT_THAT(cluster.holders(1), Contains(1u));
  for (std::uint64_t const number : {2u, 3u, 4u}) cluster.set_state(number, MemberState::alive);
  cluster.run(1min);
  EXPECT_THAT(cluster.holders(1), IsEmpty());
}

TEST_F(Removal, AWriteThatIsUnderWayKeepsItsObject) {
  // The commit cannot be saved, so no name refers to the object for as long as it lasts.
  cluster.stall_disk(2, true);
  cluster.stall_disk(3, true);
  cluster.store(3, 9);
  cluster.run(kept - 2s);
  WriteId const write = cluster.put(2, "slow", 9, {2, 3});
  cluster.run(3s);
  EXPECT_TRUE(cluster.holders(9).contains(2));
  EXPECT_TRUE(cluster.holders(9).contains(3));
  cluster.stall_disk(2, false);
  cluster.stall_disk(3, false);
  cluster.run(settled);
  EXPECT_TRUE(cluster.outcome(write).has_value());
}

TEST_F(Removal, TheDropIsDurableBeforeTheBytesGo) {
  cluster.remove(1, "a");
  cluster.run(kept / 2);
  cluster.stall_disk(2, true);
  cluster.run(kept);
  EXPECT_EQ(cluster.holders(1), std::set<std::uint64_t>{2});
  cluster.stall_disk(2, false);
  cluster.run(1s);
  EXPECT_THAT(cluster.holders(1), IsEmpty());
}

TEST_F(Removal, ACopyThatComesBeforeTheDropIsDurableStays) {
  cluster.remove(1, "a");
  cluster.run(kept / 2);
  cluster.stall_disk(2, true);
  cluster.run(kept);
  cluster.store(2, 1);
  cluster.stall_disk(2, false);
  cluster.run(settled);
  EXPECT_EQ(cluster.holders(1), std::set<std::uint64_t>{2});
  EXPECT_TRUE(cluster.agree());
}

TEST(UnreferencedCopies, AreDueInTheOrderInWhichTheyBecameSo) {
  CoreConfig config{};
  config.unreferenced_kept = 10s;
  config.unreferenced_kept_when_full = 1s;
  Unreferenced copies{config};
  Instant const start{};
  copies.note(digest(2), start);
  copies.note(digest(1), start + 1s);
  copies.note(digest(2), start + 5s);  // still
  EXPECT_EQ(copies.deadline(), start + 10s);
  EXPECT_FALSE(copies.due(start + 9s));
  EXPECT_EQ(copies.due(start + 10s), digest(2));
  copies.renew(digest(2), start + 3s);
  EXPECT_EQ(copies.due(start + 11s), digest(1));
  copies.forget(digest(1));
  EXPECT_EQ(copies.deadline(), start + 13s);
  copies.set_full(true);
  EXPECT_EQ(copies.deadline(), start + 4s);
}

}  // namespace
}  // namespace chisme::cluster
