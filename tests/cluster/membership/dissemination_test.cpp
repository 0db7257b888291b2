#include "cluster/membership/dissemination.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "cluster/base/random.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

// That a node of its own dropped an object of its own.
CatalogueRecord drop(std::uint64_t node, std::uint64_t sequence) {
  DropRecord dropped;
  dropped.digest.bytes[0] = static_cast<std::uint8_t>(sequence);
  dropped.digest.bytes[1] = static_cast<std::uint8_t>(sequence >> 8);
  return {{NodeId{0, node}, Epoch{1}, sequence}, dropped};
}

CatalogueRecord put(std::string const& name, std::uint64_t time) {
  PutRecord record;
  record.name = name;
  record.version.time = time;
  return {{NodeId{0, 1}, Epoch{1}, time}, record};
}

TEST(Dissemination, TellsMembershipFourTimesPerDigitOfTheClusterAndLoadsFourTimes) {
  for (auto const& [members, times] : {std::pair{5u, 4u}, {9u, 4u}, {10u, 8u}, {100u, 12u}}) {
    Dissemination queue{NodeId{}};
    queue.add(LeftRecord{NodeId{0, 1}, {}, {}}, {});
    LoadRecord load;
    load.id = NodeId{0, 2};
    queue.add(load, {});
    std::vector<Record> taken;
    while (!queue.empty()) queue.take(1000, members, {}, taken);
    auto const is_load = [](Record const& r) { return std::holds_alternative<LoadRecord>(r); };
    auto const loads = std::count_if(taken.begin(), taken.end(), is_load);
    EXPECT_EQ(loads, 4);
    EXPECT_EQ(taken.size() - 4, times) << members;
  }
}

TEST(Dissemination, ALoadGrowsOlderWhileItWaits) {
  Dissemination queue{NodeId{}};
  LoadRecord load;
  load.age_ms = 30;
  queue.add(load, {});
  std::vector<Record> taken;
  queue.take(1000, 5, Instant{} + 250ms, taken);
  EXPECT_EQ(std::get<LoadRecord>(taken.at(0)).age_ms, 280u);
}

TEST(Dissemination, NewsReplacesOlderNewsAndAccusationsOfItsNode) {
  Dissemination queue{NodeId{}};
  NodeId const id{0, 1};
  queue.add(SuspectRecord{id, {}, {}, NodeId{0, 2}}, {});
  queue.add(SuspectRecord{id, {}, {}, NodeId{0, 3}}, {});
  EXPECT_EQ(queue.size(), 2u);
  queue.add(DeadRecord{id, {}, {}, NodeId{0, 2}}, {});
  EXPECT_EQ(queue.size(), 1u);
  queue.add(LeftRecord{id, {}, {}}, {});
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Dissemination, IsBoundedAndKeepsTheOtherKinds) {
  Dissemination queue{NodeId{}};
  queue.add(LeftRecord{NodeId{0, 1}, {}, {}}, {});
  for (std::uint64_t i = 0; i < 2 * Dissemination::records_max; ++i) {
    queue.add(drop(1, i), {});
  }
  EXPECT_EQ(queue.size(), Dissemination::records_max + 1);
  std::vector<Record> taken;
  queue.take(100, 5, {}, taken);
  EXPECT_TRUE(std::holds_alternative<LeftRecord>(taken.at(0)));
}

TEST(Dissemination, NeverFillsMoreThanItsBudget) {
  Random random{1};
  Dissemination queue{NodeId{}};
  for (std::uint64_t i = 0; i < 200; ++i) {
    PutRecord put;
    put.name = std::string(random.below(900), 'n');
    queue.add(CatalogueRecord{{NodeId{0, 1}, Epoch{1}, i}, put}, {});
  }
  while (!queue.empty()) {
    std::size_t const budget = 1100;
    std::vector<Record> taken;
    queue.take(budget, 5, {}, taken);
    ASSERT_FALSE(taken.empty());
    std::size_t used = 0;
    for (Record const& record : taken) used += encoded_size(record);
    ASSERT_LE(used, budget);
  }
}

TEST(Dissemination, TellsACatalogueRecordSixTimesAtMost) {
  for (auto const& [members, times] : {std::pair{5u, 4u}, {20u, 6u}, {1000u, 6u}}) {
    Dissemination queue{NodeId{}};
    queue.add(drop(1, 1), {});
    std::vector<Record> taken;
    while (!queue.empty()) queue.take(1000, members, {}, taken);
    EXPECT_EQ(taken.size(), times) << members;
  }
}

TEST(Dissemination, WhatANodeTellsWaitsBesideItsNewsAndOneDotOfBothLogsBesideItself) {
  Dissemination queue{NodeId{}};
  NodeId const id{0, 1};
  LoadRecord load;
  load.id = id;
  AliveRecord alive;
  alive.id = id;
  queue.add(alive, {});
  queue.add(SuspectRecord{id, {}, {}, NodeId{0, 3}}, {});
  queue.add(load, {});
  queue.add(drop(1, 1), {});
  queue.add(put("a", 1), {});
  queue.add(put("b", 1), {});
  EXPECT_EQ(queue.size(), 6u);
  load.sequence = 1;
  queue.add(load, {});
  queue.add(put("a", 1), {});
  EXPECT_EQ(queue.size(), 6u);
  queue.add(alive, {});  // the suspicion is about what was before it
  EXPECT_EQ(queue.size(), 5u);
}

TEST(Dissemination, AChangeReplacesAnOlderOneOfItsNameOrCopyAndNoNewerOne) {
  Dissemination queue{NodeId{}};
  queue.add(put("a", 5), {});
  DeleteRecord removed;
  removed.name = "a";
  removed.version.time = 6;
  queue.add(CatalogueRecord{{NodeId{0, 2}, Epoch{1}, 1}, removed}, {});
  std::vector<Record> taken;
  queue.take(1000, 5, {}, taken);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<DeleteRecord>(std::get<CatalogueRecord>(taken[0]).change));
  queue.add(put("a", 5), {});
  EXPECT_EQ(queue.size(), 2u);
  CatalogueRecord again = drop(1, 7);
  queue.add(again, {});
  again.dot.sequence = 8;
  queue.add(again, {});
  EXPECT_EQ(queue.size(), 3u);
}

TEST(Dissemination, TellsEverythingOfThousandsAndNothingTwiceInOneDatagram) {
  Random random{3};
  Dissemination queue{NodeId{}};
  std::map<std::uint64_t, unsigned> told;
  std::uint64_t added = 0;
  while (added < 3000 || !queue.empty()) {
    for (std::uint64_t i = random.below(40); i > 0 && added < 3000; --i) {
      std::uint64_t const node = added % 7;
      queue.add(drop(node, ++added), {});
    }
    std::vector<Record> taken;
    queue.take(300 + random.below(900), 100, {}, taken);
    std::set<std::uint64_t> in_one;
    for (Record const& record : taken) {
      auto const sequence = std::get<CatalogueRecord>(record).dot.sequence;
      ++told[sequence];
      EXPECT_TRUE(in_one.insert(sequence).second);
    }
  }
  EXPECT_EQ(told.size(), 3000u);
  for (auto const& [sequence, times] : told) EXPECT_EQ(times, 6u) << sequence;
}

}  // namespace
}  // namespace chisme::cluster::testing
