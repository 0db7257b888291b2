#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cluster/replication/scrub_schedule.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::SizeIs;

constexpr Duration period = 1000s;

std::map<Digest, ByteCount> copies(std::uint8_t count) {
  std::map<Digest, ByteCount> local;
  for (std::uint8_t i = 0; i < count; ++i) local[digest(static_cast<std::uint8_t>(2 * i))] = {};
  return local;
}

// What is read until `end`, and when.
std::vector<std::pair<Instant, Digest>> read_until(Instant end, ScrubSchedule& schedule,
                                                   std::map<Digest, ByteCount> const& local,
                                                   bool busy = false) {
  std::vector<std::pair<Instant, Digest>> read;
  while (auto const next = schedule.deadline(local.size(), busy)) {
    if (*next > end) break;
    auto const digest = schedule.take_due(local, busy, *next);
    if (digest) read.emplace_back(*next, *digest);
  }
  return read;
}

TEST(Scrub, ReadsEveryCopyOnceInAPeriodAndSpreadsThem) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto const local = copies(100);
    ScrubSchedule schedule{period, Random{seed}, Instant{}};
    auto const read = read_until(Instant{} + period * 11 / 10, schedule, local);
    std::map<Digest, int> times;
    for (auto const& [at, digest] : read) ++times[digest];
    EXPECT_THAT(times, SizeIs(100));
    for (auto const& [digest, count] : times) EXPECT_LE(count, 2);
    for (std::size_t i = 1; i < read.size(); ++i) {
      EXPECT_GE(read[i].first - read[i - 1].first, period / 100 * 3 / 4);
      EXPECT_LE(read[i].first - read[i - 1].first, period / 100 * 5 / 4);
    }
  }
}

TEST(Scrub, BeginsElsewhereAfterEachStart) {
  auto const local = copies(100);
  std::set<Digest> first;
  for (std::uint64_t start = 0; start < 100; ++start) {
    ScrubSchedule schedule{period, Random{start}, Instant{}};
    first.insert(read_until(Instant{} + period / 50, schedule, local).front().second);
  }
  EXPECT_GT(first.size(), 30u);
}

TEST(Scrub, ABusyNodePutsItOffButNotForEver) {
  auto const local = copies(100);
  ScrubSchedule schedule{period, Random{1}, Instant{}};
  auto const read = read_until(Instant{} + period, schedule, local, true);
  EXPECT_GE(read.size(), 45u);
  EXPECT_LE(read.size(), 58u);
}

TEST(Scrub, ANodeWithoutCopiesHasNothingToDo) {
  ScrubSchedule schedule{period, Random{1}, Instant{}};
  EXPECT_FALSE(schedule.deadline(0, false));
  EXPECT_FALSE(schedule.take_due({}, false, Instant{} + period));
}

TEST(Scrub, RotThatNobodyReadsIsFoundAndMadeGood) {
  LittleCluster cluster{{.nodes = 4, .scrub_period = 100s}};
  for (std::uint8_t content = 1; content <= 20; ++content) {
    cluster.put(1, "file " + std::to_string(content), content, {1, 2});
  }
  cluster.run(5s);
  cluster.rot(2, 7);
  cluster.run(150s);
  EXPECT_THAT(cluster.holders(7), SizeIs(3));
  EXPECT_TRUE(cluster.agree());
  std::set<std::uint8_t> const read(cluster.verified(1).begin(), cluster.verified(1).end());
  EXPECT_THAT(read, SizeIs(20));
  EXPECT_FALSE(cluster.is_rotten(2, 7));
}

TEST(Scrub, ASourceThatSendsOtherBytesReadsItsCopyAndLosesIt) {
  LittleCluster cluster{{.nodes = 4}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.rot(1, 1);
  cluster.run(30s);
  std::set<std::uint64_t> const whole = cluster.holders(1);
  EXPECT_THAT(whole, SizeIs(3));
  for (std::uint64_t const number : whole) EXPECT_FALSE(cluster.is_rotten(number, 1)) << number;
  EXPECT_THAT(cluster.verified(1), ::testing::Contains(1));
}

}  // namespace
}  // namespace chisme::cluster
