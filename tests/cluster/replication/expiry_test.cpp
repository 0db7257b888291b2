#include "cluster/catalogue/expiry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cluster/placement/rendezvous.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

// Files that expire: when they go, who removes them, and what never does.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WallTime wall{std::chrono::milliseconds{1'700'000'000'000}};
constexpr std::uint64_t expiry_nodes = 5;

// The node whose turn it is, so many turns after the time, when `dead` are.
std::uint64_t sweeper(std::string const& name, std::set<std::uint64_t> const& dead = {},
                      std::chrono::seconds delay = 0s) {
  std::vector<MemberView> members(expiry_nodes);
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    members[i - 1].alive.id = node(i);
    if (dead.contains(i)) members[i - 1].state = MemberState::dead;
  }
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (sweep_delay(placement_key(name), members, node(i)) == delay) return i;
  }
  return 0;
}

struct ExpiringFiles : ::testing::Test {
  ExpiringFiles() { put("a", 1, ttl); }

  void put(std::string name, std::uint8_t content, std::optional<Duration> lives,
           std::vector<std::uint64_t> const& on = {1, 2}) {
    WriteRequested request;
    request.name = std::move(name);
    std::optional<WallTime> until;
    auto const now = cluster.now().time_since_epoch();
    if (lives) until = wall + std::chrono::duration_cast<std::chrono::milliseconds>(now + *lives);
    request.what = StoreFile{{}, {}, with_expiry("text/plain", until).value()};
    cluster.put(on.front(), std::move(request), content, on);
    cluster.run(settled);
  }
  int seen(std::string const& name) {
    int count = 0;
    for (std::uint64_t i = 1; i <= expiry_nodes; ++i) count += cluster.sees(i, name) ? 1 : 0;
    return count;
  }

  static constexpr Duration ttl = 60s;
  LittleCluster cluster{{.nodes = expiry_nodes}};
};

TEST_F(ExpiringFiles, GoSoonAfterTheirTimeAndTheirObjectsToo) {
  cluster.run(ttl - settled - 1s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_EQ(cluster.sent<CommitWrite>(), 1) << "that of the upload";
  cluster.run(5s);
  EXPECT_EQ(seen("a"), 0);
  EXPECT_EQ(cluster.sent<CommitWrite>(), 2) << "one node removed it";
  cluster.run(LittleCluster::scratch_kept + 3s);
  EXPECT_THAT(cluster.holders(1), IsEmpty());
  EXPECT_TRUE(cluster.agree());
}

TEST_F(ExpiringFiles, StayWhenTheyWereReplacedByOnesThatDoNotExpire) {
  cluster.run(10s);
  put("a", 2, std::nullopt);
  cluster.run(ttl + 30s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_EQ(cluster.current(3, "a"), digest(2));
}

TEST_F(ExpiringFiles, StayWhenTheSameBytesCameAgainWithoutATime) {
  put("a", 1, std::nullopt);
  cluster.run(ttl + 30s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

// An upload that the sweeper has not heard of, being cut off from who knows.
TEST_F(ExpiringFiles, ANewVersionSurvivesASweeperThatDoesNotKnowIt) {
  std::uint64_t const sweeps = sweeper("a");
  std::vector<std::uint64_t> others;
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != sweeps) others.push_back(i);
  }
  cluster.run(ttl - settled - 1s);
  // The sweeper hears of one other, and with that one's help removes what it knows.
  for (std::size_t i = 0; i < 3; ++i) cluster.cut(sweeps, others[i]);
  for (std::size_t i = 0; i < 3; ++i) cluster.cut(others[3], others[i]);
  put("a", 7, std::nullopt, {others[0], others[1]});
  cluster.run(10s);
  EXPECT_FALSE(cluster.sees(sweeps, "a")) << "it was removed there";
  cluster.heal();
  cluster.run(30s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_EQ(cluster.current(sweeps, "a"), digest(7));
  EXPECT_TRUE(cluster.agree());
}

TEST_F(ExpiringFiles, AnotherNodeTakesOverWhenTheFirstIsDead) {
  cluster.kill(sweeper("a"));
  cluster.run(ttl + 3s);
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != sweeper("a")) EXPECT_FALSE(cluster.sees(i, "a")) << i;
  }
}

TEST_F(ExpiringFiles, AnotherNodeTakesOverWhenTheFirstHasASlowClock) {
  std::uint64_t const slow = sweeper("a");
  cluster.set_wall(slow, wall - 10min);
  cluster.run(ttl + 10s);
  EXPECT_EQ(seen("a"), 5);
  cluster.run(sweep_turn);
  EXPECT_EQ(seen("a"), 0);
}

TEST_F(ExpiringFiles, ANodeWithAFastClockRemovesNothingEarly) {
  std::uint64_t const fast = sweeper("a");
  cluster.set_wall(fast, wall + 24h);
  cluster.run(ttl - settled - 2s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_GT(cluster.sent<CommitWrite>(), 1) << "it tried to";
  EXPECT_LT(cluster.sent<CommitWrite>(), 60) << "ever more seldom";
  cluster.run(90s);
  EXPECT_EQ(seen("a"), 0);
}

// Then nobody can say whether the removal was taken: it must not be carried through.
TEST_F(ExpiringFiles, ANodeWithAFastClockRemovesNothingWhenNobodyAnswersIt) {
  std::uint64_t const fast = sweeper("a");
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != fast) cluster.cut(fast, i);
  }
  cluster.set_wall(fast, wall + 24h);
  cluster.run(LittleCluster::write_timeout + 10s);
  cluster.set_wall(fast, wall + std::chrono::duration_cast<std::chrono::milliseconds>(
                                    cluster.now().time_since_epoch()));
  cluster.heal();
  cluster.run(10s);
  EXPECT_EQ(seen("a"), 5);
  EXPECT_TRUE(cluster.agree());
}

TEST_F(ExpiringFiles, InADoubtfulRemovalWhoseAnswersAreLostNothingComesApart) {
  std::uint64_t const sweeps = sweeper("a");
  cluster.run(ttl - settled);
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != sweeps) cluster.stall_disk(i, true);
  }
  cluster.run(1s + 20ms);  // it has asked
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != sweeps) cluster.cut(sweeps, i);
  }
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) {
    if (i != sweeps) cluster.stall_disk(i, false);
  }
  cluster.run(LittleCluster::write_timeout + 1s);
  cluster.heal();
  cluster.run(40s);
  EXPECT_EQ(seen("a"), 0);
  EXPECT_TRUE(cluster.agree());
}

TEST_F(ExpiringFiles, AnExpiredNameIsFreeBeforeItIsRemoved) {
  cluster.run(ttl - settled + 10ms);
  Condition absent;
  absent.must_be_absent = true;
  WriteId const write = cluster.put(1, "a", 9, {1, 2}, absent);
  cluster.run(soon);
  ASSERT_TRUE(cluster.outcome(write) && *cluster.outcome(write));
  EXPECT_TRUE((*cluster.outcome(write))->created);
  cluster.run(30s);
  EXPECT_EQ(seen("a"), 5);
}

TEST_F(ExpiringFiles, NobodyRemovesAnExpiredFileTwice) {
  cluster.run(ttl - settled + 10ms);
  WriteId const write = cluster.remove(1, "a");
  cluster.run(soon);
  ASSERT_TRUE(cluster.outcome(write));
  ASSERT_FALSE(*cluster.outcome(write));
  EXPECT_EQ(cluster.outcome(write)->error().fault, Fault::not_found);
}

TEST_F(ExpiringFiles, ManyGoAFewAtATime) {
  for (int i = 0; i < 300; ++i) {
    WriteRequested request;
    request.name = "many/" + std::to_string(i);
    request.what = StoreFile{{}, {}, with_expiry("text/plain", wall + 20s).value()};
    cluster.put(1, std::move(request), 3, {1, 2});
  }
  cluster.run(15s);
  EXPECT_TRUE(cluster.sees(4, "many/299"));
  cluster.run(20s);
  for (int i = 0; i < 300; ++i) {
    EXPECT_FALSE(cluster.sees(4, "many/" + std::to_string(i))) << i;
  }
  EXPECT_EQ(seen("a"), 5);
}

TEST_F(ExpiringFiles, WhatIsInTheTrashGoesWhenItsNameSays) {
  auto const id = to_trash_id({wall, wall + 20s, 1, "b"});
  put(std::string{trash_prefix} + id, 4, std::nullopt);
  cluster.run(10s);
  EXPECT_EQ(seen(std::string{trash_prefix} + id), 5);
  cluster.run(15s);
  EXPECT_EQ(seen(std::string{trash_prefix} + id), 0);
}

TEST_F(ExpiringFiles, ANodeThatStartsAgainRemovesWhatExpiredMeanwhile) {
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) cluster.stop(i);
  cluster.run(ttl);
  for (std::uint64_t i = 1; i <= expiry_nodes; ++i) cluster.start(i);
  cluster.run(2 * ttl);
  EXPECT_EQ(seen("a"), 0);
}

TEST(ExpiryRemoval, IsBehindItsFileAndBeforeAllElse) {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  for (Version const version :
       {Version{5, {1, 2}}, Version{5, {1, last}}, Version{5, {last, last}}, Version{0, {}}}) {
    Version const behind = version_behind(version);
    EXPECT_GT(behind, version);
    EXPECT_LE(behind, (Version{version.time + 1, {}}));
  }
  Version const last_of_all{last, {last, last}};
  EXPECT_EQ(version_behind(last_of_all), last_of_all);
}

TEST(Expiry, OfTwoTimesTheEarlierCounts) {
  PutRecord file;
  file.name = std::string{trash_prefix} + to_trash_id({wall, wall + 10s, 1, "b"});
  file.type = "text/plain";
  EXPECT_EQ(expiry_of(file), wall + 10s);
  file.type = with_expiry("text/plain", wall + 5s).value();
  EXPECT_EQ(expiry_of(file), wall + 5s);
  file.type = with_expiry("text/plain", wall + 15s).value();
  EXPECT_EQ(expiry_of(file), wall + 10s);
  EXPECT_FALSE(has_expired(file, wall + 9999ms));
  EXPECT_TRUE(has_expired(file, wall + 10s));
}

}  // namespace
}  // namespace chisme::cluster
