#include "cluster/membership/member_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr NodeId node{0, 1};

AliveRecord alive(std::uint32_t epoch, std::uint32_t incarnation) {
  AliveRecord record;
  record.id = node;
  record.epoch = Epoch{epoch};
  record.incarnation = Incarnation{incarnation};
  return record;
}

News some_news(Random& random) {
  Epoch const epoch{static_cast<std::uint32_t>(1 + random.below(3))};
  Incarnation const incarnation{static_cast<std::uint32_t>(random.below(3))};
  switch (random.below(4)) {
    case 0:
      return alive(epoch.value(), incarnation.value());
    case 1:
      return SuspectRecord{node, epoch, incarnation, {}};
    case 2:
      return DeadRecord{node, epoch, incarnation, {}};
    default:
      return LeftRecord{node, epoch, incarnation};
  }
}

NewsKey merged(std::vector<News> const& news) {
  MemberTable table;
  table.apply(alive(0, 0), {});
  for (News const& piece : news) table.apply(piece, {});
  return key_of(*table.find(node));
}

TEST(MemberTable, MergesAreCommutativeAssociativeAndIdempotent) {
  Random random{1};
  for (int round = 0; round < 2000; ++round) {
    std::vector<News> news;
    for (int i = 0; i < 6; ++i) news.push_back(some_news(random));
    NewsKey const expected = merged(news);
    std::vector<News> shuffled = news;
    for (std::size_t i = shuffled.size(); i > 1; --i) {
      std::swap(shuffled[i - 1], shuffled[random.below(i)]);
    }
    EXPECT_EQ(merged(shuffled), expected);
    news.insert(news.end(), shuffled.begin(), shuffled.end());
    EXPECT_EQ(merged(news), expected);
  }
}

TEST(MemberTable, WhatIsStoredNeverGoesDown) {
  Random random{2};
  MemberTable table;
  table.apply(alive(0, 0), {});
  for (int round = 0; round < 2000; ++round) {
    NewsKey const before = key_of(*table.find(node));
    News const news = some_news(random);
    auto const outcome = table.apply(news, {});
    NewsKey const after = key_of(*table.find(node));
    EXPECT_EQ(after, std::max(before, key_of(news)));
    EXPECT_EQ(outcome == MemberTable::Outcome::changed, before < after);
  }
}

TEST(MemberTable, NewsOfUnknownNodesIsDroppedUnlessTheyAreAlive) {
  MemberTable table;
  EXPECT_EQ(table.apply(DeadRecord{node, {}, {}, {}}, {}), MemberTable::Outcome::refused);
  EXPECT_TRUE(table.all().empty());
  EXPECT_EQ(table.changes(), 0u);
  EXPECT_EQ(table.apply(alive(1, 0), {}), MemberTable::Outcome::changed);
  EXPECT_EQ(table.live(), 1u);
}

TEST(MemberTable, ARefutedSuspicionDoesNotMoveAliveSinceAndAReturnDoes) {
  MemberTable table;
  Instant const begin{};
  table.apply(alive(1, 0), begin);
  table.apply(SuspectRecord{node, Epoch{1}, {}, {}}, begin + 1s);
  table.apply(alive(1, 1), begin + 2s);
  EXPECT_EQ(table.find(node)->alive_since, begin);
  table.apply(DeadRecord{node, Epoch{1}, Incarnation{1}, {}}, begin + 3s);
  EXPECT_EQ(table.live(), 0u);
  table.apply(alive(1, 2), begin + 4s);
  EXPECT_EQ(table.find(node)->alive_since, begin + 4s);
  table.apply(alive(2, 0), begin + 5s);
  EXPECT_EQ(table.find(node)->alive_since, begin + 5s);
  EXPECT_EQ(table.live(), 1u);
}

TEST(MemberTable, TellsOnceWhoCameChangedAndWentToo) {
  MemberTable table;
  table.apply(alive(1, 0), {});
  EXPECT_EQ(table.take_changed(), std::set{node});
  EXPECT_TRUE(table.take_changed().empty());
  table.apply(alive(1, 0), {});  // nothing new
  EXPECT_TRUE(table.take_changed().empty());
  table.apply(DeadRecord{node, Epoch{1}, Incarnation{}, {}}, {});
  EXPECT_EQ(table.take_changed(), std::set{node});
  table.reap(Instant{} + MemberTable::dead_kept);
  EXPECT_EQ(table.take_changed(), std::set{node});
}

// In a full table the longest dead makes room.
TEST(MemberTable, TellsWhoHadToMakeRoom) {
  MemberTable table;
  for (std::uint64_t i = 0; i < members_max; ++i) {
    AliveRecord record = alive(1, 0);
    record.id = NodeId{0, i + 1};
    table.apply(record, {});
  }
  table.apply(DeadRecord{node, Epoch{1}, Incarnation{}, {}}, {});
  static_cast<void>(table.take_changed());
  AliveRecord late = alive(1, 0);
  late.id = NodeId{1, 0};
  EXPECT_EQ(table.apply(late, {}), MemberTable::Outcome::changed);
  EXPECT_EQ(table.take_changed(), (std::set{node, late.id}));
}

}  // namespace
}  // namespace chisme::cluster
