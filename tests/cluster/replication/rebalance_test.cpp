#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/placement/rendezvous.hpp"
#include "cluster/replication/survey.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

// Where copies go when there is a choice, and how fast.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Four nodes, R = 2, and a file that belongs on 3 and 4 but is on 1 and 2.
struct Rebalance : ::testing::Test {
  Rebalance() {
    std::vector<MemberView> members(4);
    for (std::uint64_t i = 0; i < 4; ++i) members[i].alive.id = node(i + 1);
    for (int i = 0; name.empty(); ++i) {
      std::string const candidate = "file " + std::to_string(i);
      auto placed = place(placement_key(candidate), members, 2);
      std::ranges::sort(placed);
      if (placed == std::vector{node(3), node(4)}) name = candidate;
    }
    cluster.put(1, name, 1, {1, 2});
    cluster.run(settled);
  }
  void set_disks(float holders, float others) {
    for (std::uint64_t const number : {1u, 2u}) cluster.set_disk(number, holders);
    for (std::uint64_t const number : {3u, 4u}) cluster.set_disk(number, others);
  }
  std::string name;
  LittleCluster cluster{{.nodes = 4, .copies_wanted = 2}};
};

TEST_F(Rebalance, CopiesMoveToPlacedNodesThatHaveMoreRoom) {
  set_disks(0.8F, 0.2F);
  for (int i = 0; i < 120; ++i) {
    cluster.run(1s);
    ASSERT_GE(cluster.holders(1).size(), 2u) << "a copy is added before one is removed";
  }
  EXPECT_EQ(cluster.holders(1), (std::set<std::uint64_t>{3, 4}));
  EXPECT_TRUE(cluster.agree());
}

TEST_F(Rebalance, NothingMovesWhenThatWouldGainLittle) {
  set_disks(0.24F, 0.2F);
  cluster.run(60s);
  EXPECT_EQ(cluster.holders(1), (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(cluster.sent<FetchObject>(), 0);
}

TEST_F(Rebalance, NothingMovesWhileAMemberIsMissing) {
  cluster.set_state(4, MemberState::suspect);
  set_disks(0.8F, 0.2F);
  cluster.run(60s);
  EXPECT_EQ(cluster.holders(1), (std::set<std::uint64_t>{1, 2}));
}

TEST(Drain, ANodeWithTheOnlyCopyIsItsSource) {
  LittleCluster cluster{{.nodes = 3, .copies_wanted = 1, .copies_durable = 1}};
  cluster.put(1, "a", 1, {1});
  cluster.run(settled);
  cluster.set_draining(1);
  cluster.run(settled);
  EXPECT_THAT(cluster.holders(1), SizeIs(2));
}

TEST(Throttle, ABusyNodeCopiesHalfAsMuchAtATime) {
  LittleCluster cluster{{.nodes = 5}};
  for (std::uint64_t number = 1; number <= 5; ++number) cluster.set_in_flight(number, 9);
  for (std::uint8_t content = 1; content <= 40; ++content) {
    cluster.put(1, "file " + std::to_string(content), content, {1, 2});
  }
  cluster.run(60s);
  for (std::uint8_t content = 1; content <= 40; ++content) {
    EXPECT_THAT(cluster.holders(content), SizeIs(3)) << int{content};
  }
  for (std::uint64_t number = 1; number <= 5; ++number) {
    EXPECT_LE(cluster.transfers_at_once_max(number), 1);
  }
}

TEST(FailedFetch, AnotherTargetIsAskedAtOnce) {
  int failures = 0;
  for (std::uint64_t const broken : {3u, 4u, 5u}) {
    LittleCluster cluster{{.nodes = 5}};
    cluster.fail_transfers_to(broken);
    cluster.put(1, "a", 1, {1, 2});
    cluster.run(1s);
    EXPECT_THAT(cluster.holders(1), SizeIs(3)) << broken;
    failures += cluster.sent<FetchFailed>();
  }
  EXPECT_EQ(failures, 1) << "one of the three was the best target";
}

TEST(Surveys, LookAtEverythingAgainWhenADiskRunsFullAndNotOtherwise) {
  StoredCatalogue stored;
  stored.records.push_back(
      {dot({1, 1}), PutRecord{"a", {1, node(1)}, ByteCount{1}, digest(1), "", {}}});
  Catalogue const catalogue{node(1), Epoch{2}, std::move(stored), Instant{}};
  std::vector<MemberView> members(2);
  Survey survey{Instant{}};
  Instant now{};
  auto const look = [&] {
    now += 1s;
    survey.watch({.now = now, .self = node(1), .members = members});
    return survey.take_due(catalogue, now);
  };
  for (MemberView& member : members) member.load = LoadRecord{};
  EXPECT_THAT(look(), SizeIs(1));
  EXPECT_THAT(look(), IsEmpty());
  members[1].load->disk_used_ratio = 0.5F;
  members[1].load->in_flight = 100;
  EXPECT_THAT(look(), IsEmpty());
  members[1].load->disk_used_ratio = 0.95F;
  EXPECT_THAT(look(), SizeIs(1));
  members[1].state = MemberState::suspect;
  EXPECT_THAT(look(), SizeIs(1));
}

}  // namespace
}  // namespace chisme::cluster
