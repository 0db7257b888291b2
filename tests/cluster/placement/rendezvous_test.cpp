#include "cluster/placement/rendezvous.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace chisme::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int keys = 20'000;

std::vector<MemberView> members_of(std::uint64_t count) {
  std::vector<MemberView> members(count);
  for (std::uint64_t i = 0; i < count; ++i) members[i].alive.id = NodeId{0, i + 1};
  return members;
}

std::uint64_t key(int number) {
  return placement_key("file " + std::to_string(number));
}

void fill(MemberView& member, float ratio) {
  member.load = LoadRecord{};
  member.load->disk_used_ratio = ratio;
}

std::map<NodeId, int> copies(std::vector<MemberView> const& members, std::size_t count) {
  std::map<NodeId, int> copies;
  for (int i = 0; i < keys; ++i) {
    for (NodeId const id : place(key(i), members, count)) ++copies[id];
  }
  return copies;
}

TEST(Rendezvous, SpreadsCopiesEvenly) {
  for (auto const& [id, count] : copies(members_of(10), 3)) {
    EXPECT_NEAR(count, keys * 3 / 10, keys * 3 / 10 / 20) << to_string(id);
  }
}

TEST(Rendezvous, GivesANodeOfTwiceTheWeightTwiceTheCopies) {
  std::vector<MemberView> members = members_of(9);
  members[4].alive.weight = 2;
  auto const found = copies(members, 1);
  EXPECT_NEAR(found.at(members[4].alive.id), keys * 2 / 10, keys / 100);
  EXPECT_NEAR(found.at(members[5].alive.id), keys / 10, keys / 100);
}

TEST(Rendezvous, ANodeThatComesMovesOnlyWhatItTakes) {
  std::vector<MemberView> const before = members_of(9);
  std::vector<MemberView> const after = members_of(10);
  NodeId const newcomer = after.back().alive.id;
  int moved = 0;
  for (int i = 0; i < keys; ++i) {
    NodeId const old_place = place(key(i), before, 1).front();
    NodeId const new_place = place(key(i), after, 1).front();
    if (old_place == new_place) continue;
    ++moved;
    ASSERT_EQ(new_place, newcomer);
  }
  EXPECT_NEAR(moved, keys / 10, keys / 100);
}

TEST(Rendezvous, ADeathLeavesTheOthersInTheirOrder) {
  std::vector<MemberView> members = members_of(5);
  std::vector<NodeId> expected = place(key(1), members, 5);
  NodeId const dead = expected[1];
  expected.erase(expected.begin() + 1);
  members[dead.low - 1].state = MemberState::dead;
  EXPECT_EQ(place(key(1), members, 5), expected);
}

TEST(Rendezvous, SkipsNodesThatAreNotAliveOrAreLeaving) {
  std::vector<MemberView> members = members_of(6);
  members[0].state = MemberState::suspect;
  members[1].state = MemberState::dead;
  members[2].state = MemberState::left;
  members[3].alive.draining = true;
  members[4].alive.weight = 0;
  EXPECT_THAT(place(key(1), members, 6), ElementsAre(members[5].alive.id));
  EXPECT_THAT(place(key(1), {}, 6), IsEmpty());
}

TEST(Rendezvous, TakesAFullNodeOnlyWhenThereIsNoOther) {
  std::vector<MemberView> members = members_of(3);
  fill(members[0], 0.91F);
  fill(members[1], 0.89F);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(place(key(i), members, 2), Not(::testing::Contains(members[0].alive.id)));
    EXPECT_EQ(place(key(i), members, 3).back(), members[0].alive.id);
  }
}

TEST(Rendezvous, AnExpiredFileIsSweptByTheFirstAliveAndLaterByTheNextTwo) {
  std::vector<MemberView> members = members_of(6);
  std::vector<NodeId> const order = place(key(1), members, 6);
  auto const delay = [&](std::size_t i) { return sweep_delay(key(1), members, order[i]); };
  EXPECT_EQ(delay(0), std::chrono::seconds{0});
  EXPECT_EQ(delay(1), sweep_turn);
  EXPECT_EQ(delay(2), 2 * sweep_turn);
  EXPECT_EQ(delay(3), std::nullopt);
  members[order[0].low - 1].state = MemberState::dead;
  EXPECT_EQ(delay(0), std::nullopt);
  EXPECT_EQ(delay(1), std::chrono::seconds{0});
  EXPECT_EQ(delay(3), 2 * sweep_turn);
}

TEST(Rendezvous, SpreadsOverZonesBeforeItDoublesInOne) {
  std::vector<MemberView> members = members_of(9);
  for (std::size_t i = 0; i < 9; ++i) members[i].alive.zone = i < 7 ? "a" : i < 8 ? "b" : "c";
  for (int i = 0; i < 100; ++i) {
    std::set<std::string> zones;
    for (NodeId const id : place(key(i), members, 3)) zones.insert(members[id.low - 1].alive.zone);
    EXPECT_EQ(zones.size(), 3u);
    EXPECT_EQ(place(key(i), members, 4).size(), 4u);
  }
}

TEST(Rendezvous, NeverChoosesAnExcludedNodeAndTakesItsZoneForTaken) {
  std::vector<MemberView> members = members_of(4);
  for (std::size_t i = 0; i < 4; ++i) members[i].alive.zone = i < 2 ? "a" : "b";
  std::vector<NodeId> const holders{members[0].alive.id};
  for (int i = 0; i < 100; ++i) {
    auto const found = place(key(i), members, 4, holders);
    EXPECT_EQ(found.size(), 3u);
    EXPECT_THAT(found, Not(::testing::Contains(holders[0])));
    EXPECT_GE(found.front(), members[2].alive.id);
  }
}

// The definition, slowly: sort everybody, then the first of each zone, then the others.
std::vector<NodeId> place_by_sorting(std::uint64_t number, std::vector<MemberView> members,
                                     std::size_t count, std::vector<NodeId> const& exclude) {
  std::set<std::string> zones;
  for (MemberView const& member : members) {
    if (std::ranges::count(exclude, member.alive.id) > 0) zones.insert(member.alive.zone);
  }
  std::erase_if(members, [&](MemberView const& member) {
    return std::ranges::count(exclude, member.alive.id) > 0;
  });
  std::ranges::sort(members, [&](MemberView const& a, MemberView const& b) {
    if (is_nearly_full(a) != is_nearly_full(b)) return is_nearly_full(b);
    return rendezvous_score(number, a.alive.id, 1) > rendezvous_score(number, b.alive.id, 1);
  });
  std::vector<NodeId> first;
  std::vector<NodeId> second;
  for (MemberView const& member : members) {
    std::string const& zone = member.alive.zone;
    bool const is_new = !is_nearly_full(member) && (zone.empty() || zones.insert(zone).second);
    (is_new ? first : second).push_back(member.alive.id);
  }
  first.insert(first.end(), second.begin(), second.end());
  first.resize(std::min(first.size(), count));
  return first;
}

TEST(Rendezvous, ChoosesWhatSortingEverybodyWouldChoose) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    std::vector<MemberView> members = members_of(1 + seed % 13);
    for (std::size_t i = 0; i < members.size(); ++i) {
      std::uint64_t const draw = placement_key(std::to_string(seed * 100 + i));
      members[i].alive.zone =
          draw % 3 == 0 ? "" : std::string(1, static_cast<char>('a' + draw % 4));
      fill(members[i], draw % 5 == 0 ? 0.95F : 0.5F);
    }
    std::vector<NodeId> exclude;
    if (seed % 2 == 0) exclude.push_back(members.front().alive.id);
    std::size_t const count = seed % 6;
    ASSERT_EQ(place(seed, members, count, exclude), place_by_sorting(seed, members, count, exclude))
        << seed;
  }
}

TEST(Rendezvous, HoldersInThePlacementKeepTheirCopiesFirst) {
  std::vector<MemberView> members = members_of(9);
  for (std::size_t i = 0; i < 9; ++i) members[i].alive.zone = i < 5 ? "a" : i < 7 ? "b" : "c";
  for (int i = 0; i < 200; ++i) {
    std::vector<NodeId> const placed = place(key(i), members, 3);
    std::vector<NodeId> holders = placed;
    for (MemberView const& member : members) {
      if (std::ranges::count(placed, member.alive.id) == 0) holders.push_back(member.alive.id);
      if (holders.size() == 5) break;
    }
    std::vector<NodeId> ranked = rank_holders(key(i), members, holders);
    EXPECT_EQ(ranked.size(), 5u);
    ranked.resize(3);
    EXPECT_EQ(ranked, placed);
  }
}

}  // namespace
}  // namespace chisme::cluster
