#include "cluster/load/load_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/base/random.hpp"
#include "cluster/config.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
constexpr NodeId self{0, 1};
constexpr NodeId peer{0, 2};

LoadRecord record(NodeId id, std::uint32_t epoch, std::uint64_t sequence, std::uint32_t in_flight) {
  LoadRecord made;
  made.id = id;
  made.epoch = Epoch{epoch};
  made.sequence = sequence;
  made.in_flight = in_flight;
  return made;
}

TEST(LoadTable, KeepsTheNewestOfEveryOrderOfArrival) {
  std::vector<LoadRecord> records{record(peer, 1, 1, 10), record(peer, 1, 9, 11),
                                  record(peer, 2, 1, 12), record(peer, 2, 2, 13)};
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    LoadTable table{self, Epoch{1}, Instant{}};
    for (std::size_t const i : order) table.merge(records[i], Instant{});
    ASSERT_EQ(table.find(peer)->record.in_flight, 13u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(LoadTable, OnlyNewsIsPassedOn) {
  LoadTable table{self, Epoch{1}, Instant{}};
  EXPECT_TRUE(table.merge(record(peer, 1, 2, 0), Instant{}));
  EXPECT_FALSE(table.merge(record(peer, 1, 2, 0), Instant{}));
  EXPECT_FALSE(table.merge(record(peer, 1, 1, 0), Instant{}));
  EXPECT_TRUE(table.merge(record(peer, 2, 1, 0), Instant{}));
}

TEST(LoadTable, AnAgeOfWeeksDoesNotWrapAround) {
  LoadTable table{self, Epoch{1}, Instant{}};
  EXPECT_EQ(table.own(Instant{1500h}).age_ms, 4294967295u);
}

TEST(LoadTable, NobodyElseMeasuresThisNode) {
  LoadTable table{self, Epoch{3}, Instant{}};
  table.measure({.in_flight = 7}, 2, Instant{1s});
  EXPECT_FALSE(table.is_news(record(self, 9, 9, 0)));
  EXPECT_FALSE(table.merge(record(self, 9, 9, 0), Instant{1s}));
  LoadRecord const own = table.own(Instant{1s + 5ms});
  EXPECT_EQ(own.in_flight, 7u);
  EXPECT_EQ(own.health, 2);
  EXPECT_EQ(own.epoch, Epoch{3});
  EXPECT_EQ(own.sequence, 1u);
  EXPECT_EQ(own.age_ms, 5u);
}

TEST(LoadTable, FiveFailuresInARowEjectForHalfAMinuteAndLongerTheNextTime) {
  LoadTable table{self, Epoch{1}, Instant{}};
  for (int i = 0; i < 4; ++i) table.failed(peer, Instant{});
  table.succeeded(peer);
  for (int i = 0; i < 4; ++i) table.failed(peer, Instant{});
  EXPECT_FALSE(table.is_ejected(peer, Instant{}));
  table.failed(peer, Instant{});
  EXPECT_TRUE(table.is_ejected(peer, Instant{29s}));
  EXPECT_FALSE(table.is_ejected(peer, Instant{30s}));
  for (int i = 0; i < 5; ++i) table.failed(peer, Instant{100s});
  EXPECT_TRUE(table.is_ejected(peer, Instant{159s}));
  EXPECT_FALSE(table.is_ejected(peer, Instant{160s}));
}

TEST(LoadTable, WhoseCopiesCannotBeReadIsEjectedThoughItsMessagesCome) {
  LoadTable table{self, Epoch{1}, Instant{}};
  for (int i = 0; i < 4; ++i) {
    table.failed(peer, Instant{}, LoadTable::Contact::relay);
    table.succeeded(peer);
  }
  EXPECT_FALSE(table.is_ejected(peer, Instant{}));
  table.failed(peer, Instant{}, LoadTable::Contact::relay);
  EXPECT_TRUE(table.is_ejected(peer, Instant{29s}));
  for (int i = 0; i < 4; ++i) table.failed(peer, Instant{100s}, LoadTable::Contact::relay);
  table.succeeded(peer, LoadTable::Contact::relay);
  table.failed(peer, Instant{100s}, LoadTable::Contact::relay);
  EXPECT_FALSE(table.is_ejected(peer, Instant{100s}));
}

TEST(LoadTable, ANodeThatWasDeadReturnsWithACleanSheet) {
  LoadTable table{self, Epoch{1}, Instant{}};
  for (int i = 0; i < 9; ++i) table.failed(peer, Instant{});
  ASSERT_TRUE(table.is_ejected(peer, Instant{1s}));
  table.pardon(peer);
  EXPECT_FALSE(table.is_ejected(peer, Instant{1s}));
  for (int i = 0; i < 4; ++i) table.failed(peer, Instant{2s});
  EXPECT_FALSE(table.is_ejected(peer, Instant{2s}));
}

TEST(LoadTable, CountsTheEjectedAndSaysWhenTheNextReturns) {
  LoadTable table{self, Epoch{1}, Instant{}};
  EXPECT_EQ(table.ejected_count(Instant{}), 0u);
  EXPECT_EQ(table.ejections_change_at(), std::nullopt);
  NodeId const other{0, 3};
  for (int i = 0; i < 5; ++i) table.failed(peer, Instant{});
  for (int i = 0; i < 5; ++i) table.failed(other, Instant{10s});
  EXPECT_EQ(table.ejected_count(Instant{10s}), 2u);
  EXPECT_EQ(table.ejections_change_at(), Instant{30s});
  EXPECT_EQ(table.ejected_count(Instant{30s}), 1u);
  EXPECT_EQ(table.ejections_change_at(), Instant{40s});
  table.pardon(other);
  EXPECT_EQ(table.ejected_count(Instant{30s}), 0u);
  for (int i = 0; i < 10; ++i) table.failed(peer, Instant{31s});  // ejected anew, and prolonged
  EXPECT_EQ(table.ejected_count(Instant{31s}), 1u);
  EXPECT_EQ(table.ejections_change_at(), Instant{31s + 90s});
  table.forget(peer);
  EXPECT_EQ(table.ejections_change_at(), std::nullopt);
}

TEST(LoadTable, TheCountOfTheEjectedIsThatOfAWalkOverAll) {
  Random random{3};
  LoadTable table{self, Epoch{1}, Instant{}};
  Instant now{};
  for (int step = 0; step < 20'000; ++step) {
    NodeId const node{0, 2 + random.below(20)};
    now += std::chrono::milliseconds{random.below(500)};
    if (random.chance(0.01)) table.pardon(node);
    if (random.chance(0.5)) table.failed(node, now);
    if (random.chance(0.02)) table.succeeded(node);
    std::size_t ejected = 0;
    for (std::uint64_t i = 2; i < 22; ++i) ejected += table.is_ejected({0, i}, now) ? 1 : 0;
    ASSERT_EQ(table.ejected_count(now), ejected) << "step " << step;
  }
}

TEST(LoadTable, TakesNoMoreNodesThanMembersAndForgets) {
  LoadTable table{self, Epoch{1}, Instant{}};
  for (std::uint64_t i = 2; i <= members_max; ++i) {
    ASSERT_TRUE(table.merge(record({0, i}, 1, 1, 0), Instant{}));
  }
  NodeId const one_more{0, members_max + 1};
  EXPECT_FALSE(table.merge(record(one_more, 1, 1, 0), Instant{}));
  table.forget(peer);
  EXPECT_TRUE(table.merge(record(one_more, 1, 1, 0), Instant{}));
  table.forget(self);
  EXPECT_EQ(table.own(Instant{}).id, self);
}

}  // namespace
}  // namespace chisme::cluster
