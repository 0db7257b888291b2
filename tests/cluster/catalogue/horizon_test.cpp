#include "cluster/catalogue/horizon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/catalogue/nodes.hpp"

// How tombstones go, and how what they stood for stays away.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Duration until_collected = 2 * kept;
constexpr Duration step = 10s;

std::size_t tombstones(Node const& who) {
  std::size_t count = 0;
  who.catalogue.tables().walk(
      [&](CatalogueRecord const& record) { count += is_tombstone(record) ? 1 : 0; });
  return count;
}

void store(Node& who, std::uint8_t content) {
  who.catalogue.object_stored({digest(content), ByteCount{10}});
}

// Three nodes that all know of files "a" and "b", of which "a" is then removed.
class Horizons : public ::testing::Test {
 protected:
  Horizons() {
    for (Node* const who : {&one, &two, &three}) nodes.join(*who);
    write(one, put({.writer = 11, .sequence = 1}, "a", 10, 1));
    write(two, put({.writer = 12, .sequence = 1}, "b", 10, 2));
    store(three, 5);
    nodes.run(10s);
    EXPECT_TRUE(nodes.agree());
  }
  void remove_a() { write(two, removal({.writer = 12, .sequence = 2}, "a", 20)); }
  void forget(std::uint64_t number) {
    std::erase_if(nodes.members,
                  [&](MemberView const& member) { return member.alive.id == node(number); });
  }
  // Node 3 goes away, is forgotten, and "a" is removed and collected meanwhile.
  void collect_without_three() {
    nodes.leave(three);
    MemberView const member = nodes.members[2];
    forget(3);
    remove_a();
    nodes.run(until_collected, step);
    ASSERT_EQ(tombstones(one), 0u);
    nodes.members.insert(nodes.members.begin() + 2, member);
  }

  Nodes nodes{3};
  Node one{1};
  Node two{2};
  Node three{3};
};

TEST_F(Horizons, TombstonesGoOnceAllMembersHavePassedThem) {
  remove_a();
  nodes.run(kept / 2, step);
  EXPECT_EQ(tombstones(three), 1u) << "it is not old enough";
  nodes.run(until_collected, step);
  for (Node const* const who : {&one, &two, &three}) {
    EXPECT_EQ(tombstones(*who), 0u);
    EXPECT_EQ(who->catalogue.file("a"), nullptr);
    EXPECT_NE(who->catalogue.file("b"), nullptr);
    EXPECT_EQ(who->catalogue.horizon().id.generation, 1u) << "nothing else was to be collected";
  }
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, ADropGoesLikeARemoval) {
  three.catalogue.object_removed(digest(5));
  nodes.run(kept / 2, step);
  EXPECT_EQ(tombstones(one), 1u);
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(one) + tombstones(three), 0u);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, AMemberThatIsDeadIsWaitedFor) {
  nodes.leave(three);
  nodes.members[2].state = MemberState::dead;
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
  nodes.members[2].state = MemberState::left;
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(one), 0u) << "who has left need not hear of it";
}

// Others heard of the file by gossip alone, which does not tell how far a log goes.
TEST_F(Horizons, WhatALeaverWroteLastStaysAway) {
  Effects out;
  auto const mine = put({.writer = 3, .sequence = 1}, "mine", 30, 5);
  three.catalogue.finish(three.catalogue.draft(mine.change), nodes.now, out);
  for (Node* const who : {&one, &two}) tell(*who, mine);
  out.clear();
  three.anti_entropy.say_farewell(three.catalogue, nodes.at(three), out);
  nodes.deliver(three, out);
  nodes.leave(three);
  nodes.members[2].state = MemberState::left;
  write(two, removal({.writer = 12, .sequence = 2}, "mine", 40));
  nodes.run(until_collected, step);
  ASSERT_EQ(tombstones(one) + tombstones(two), 0u);
  nodes.members[2].state = MemberState::alive;
  nodes.join(three);
  nodes.run(30s);
  for (Node const* const who : {&one, &two, &three}) {
    EXPECT_EQ(who->catalogue.file("mine"), nullptr);
  }
}

TEST_F(Horizons, AFarewellIsSaidOnceUnlessThereIsMoreToSay) {
  Effects out;
  auto const farewell = [&] {
    out.clear();
    three.anti_entropy.say_farewell(three.catalogue, nodes.at(three), out);
    return out.size();
  };
  EXPECT_EQ(farewell(), 2u);
  EXPECT_EQ(farewell(), 0u);
  auto const mine = put({.writer = 3, .sequence = 1}, "mine", 30, 5);
  three.catalogue.finish(three.catalogue.draft(mine.change), nodes.now, out);
  EXPECT_EQ(farewell(), 2u);
}

// What one keeper proposes once the two others have told their positions, of which `more` is one.
std::optional<Horizon> proposed(Node& keeper_of, Nodes& nodes, LogPosition const& more) {
  HorizonKeeper keeper{kept};
  Catalogue const& catalogue = keeper_of.catalogue;
  EXPECT_FALSE(keeper.tick(catalogue, nodes.at(keeper_of), false).has_value());
  nodes.now += kept;
  std::vector<LogPosition> positions = catalogue.positions();
  keeper.heard(node(2), positions, nodes.at(keeper_of));
  positions.push_back(more);
  keeper.heard(node(3), positions, nodes.at(keeper_of));
  return keeper.tick(catalogue, nodes.at(keeper_of), false);
}

TEST_F(Horizons, NoMarkHoldsThatDoesNotSpeakOfWhatOneWroteWhoHasGone) {
  remove_a();
  nodes.run(10s);
  EXPECT_TRUE(proposed(one, nodes, {node(2), LogKind::names, Epoch{1}, 9}).has_value())
      << "members may go on writing";
  EXPECT_FALSE(proposed(one, nodes, {node(9), LogKind::names, Epoch{1}, 1}).has_value());
}

TEST_F(Horizons, WhoLeftAndSpeaksVersion1IsWaitedFor) {
  nodes.leave(three);
  nodes.members[2].state = MemberState::left;
  ProtocolVersions const spoken =
      std::exchange(nodes.members[2].alive.versions, ProtocolVersions{1, 1, 1});
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
  nodes.members[2].alive.versions = spoken;
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(one), 0u);
}

TEST_F(Horizons, NothingIsCollectedUnderTheBrake) {
  nodes.braked = true;
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
}

TEST_F(Horizons, WhoHasMetNobodyYetCollectsNothing) {
  nodes.leave(one);
  nodes.leave(three);
  forget(1);
  forget(3);
  nodes.in_touch = false;
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(two), 1u);
  nodes.in_touch = true;
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(two), 0u) << "it is the only member indeed";
}

TEST_F(Horizons, NothingIsCollectedWhileARememberedPeerIsMissed) {
  nodes.missed = 1;
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
  nodes.missed = 0;
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(one), 0u);
}

TEST_F(Horizons, NothingIsCollectedWhileAMemberMissesPeersThatTheOthersNeverKnew) {
  nodes.missing = node(2);
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
  EXPECT_EQ(tombstones(three), 1u);
  nodes.missing = {};
  nodes.run(until_collected, step);
  EXPECT_EQ(tombstones(one), 0u);
}

TEST_F(Horizons, NothingIsCollectedWhileAMemberKnowsNoHorizons) {
  nodes.members[2].alive.versions = {1, 1, 1};
  remove_a();
  nodes.run(2 * until_collected, step);
  EXPECT_EQ(tombstones(one), 1u);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, WhoComesBackInAnOldVersionForgetsWhatWasRemovedOnceItIsUpgraded) {
  collect_without_three();
  ProtocolVersions const now_spoken =
      std::exchange(nodes.members[2].alive.versions, ProtocolVersions{1, 1, 1});
  nodes.join(three);
  write(one, put({.writer = 11, .sequence = 2}, "c", 30, 6));
  write(two, put({.writer = 12, .sequence = 3}, "d", 30, 7));
  nodes.run(30s);
  ASSERT_NE(three.catalogue.file("a"), nullptr) << "nobody can tell it of the removal";
  EXPECT_NE(three.catalogue.file("c"), nullptr);
  EXPECT_NE(three.catalogue.file("d"), nullptr);
  EXPECT_EQ(one.catalogue.file("a"), nullptr);
  nodes.members[2].alive.versions = now_spoken;
  nodes.run(30s);
  EXPECT_EQ(three.catalogue.file("a"), nullptr);
  EXPECT_NE(three.catalogue.file("d"), nullptr);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, ACollectedRemovalStaysOne) {
  remove_a();
  nodes.run(until_collected, step);
  tell(one, put({.writer = 11, .sequence = 1}, "a", 10, 1));
  EXPECT_EQ(one.catalogue.file("a"), nullptr) << "late gossip";
  tell(one, removal({.writer = 12, .sequence = 2}, "a", 20));
  EXPECT_EQ(tombstones(one), 0u);
  tell(one, put({.writer = 11, .sequence = 2}, "a", 30, 1));
  EXPECT_NE(one.catalogue.file("a"), nullptr) << "a new write";
  nodes.run(10s);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, WhoWasForgottenDoesNotBringBackWhatWasRemoved) {
  collect_without_three();
  // Meanwhile node 3 took a write, as the only one.
  tell(three, put({.writer = 3, .sequence = 1}, "mine", 30, 5));
  ASSERT_NE(three.catalogue.file("a"), nullptr);
  nodes.join(three);
  nodes.run(30s);
  for (Node const* const who : {&one, &two, &three}) {
    EXPECT_EQ(who->catalogue.file("a"), nullptr);
    EXPECT_NE(who->catalogue.file("b"), nullptr);
    EXPECT_NE(who->catalogue.file("mine"), nullptr) << "it was written after everybody had passed";
    EXPECT_THAT(who->catalogue.snapshot().holders(digest(5)), ElementsAre(node(3)));
    EXPECT_FALSE(who->catalogue.is_filling());
  }
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, WhoWasForgottenFindsTheSameAfterARestartInTheMiddle) {
  DiskOf disk;
  disk.stored.objects = {{digest(5), ByteCount{10}}};
  disk.save(three.catalogue);
  collect_without_three();
  Effects out;
  std::vector<NodeId> const members{node(1), node(2), node(3)};
  three.catalogue.adopt(one.catalogue.horizon(), members, nodes.now, out);
  disk.save(three.catalogue);
  ASSERT_TRUE(three.catalogue.is_filling());
  Node again{3, disk.stored, 2};
  EXPECT_TRUE(again.catalogue.is_filling());
  nodes.join(again);
  nodes.run(30s);
  EXPECT_FALSE(again.catalogue.is_filling());
  EXPECT_EQ(again.catalogue.file("a"), nullptr);
  EXPECT_NE(again.catalogue.file("b"), nullptr);
  EXPECT_THAT(one.catalogue.snapshot().holders(digest(5)), ElementsAre(node(3)));
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, WhatIsToldAgainAtOnceIsNotForgottenOnDisk) {
  DiskOf disk;
  three.catalogue.object_removed(digest(5));  // else it would say again what it has, and save that
  disk.save(three.catalogue);
  collect_without_three();
  Effects out;
  three.catalogue.merge(put({.writer = 3, .sequence = 1}, "mine", 30, 5), nodes.now, out);
  std::vector<NodeId> const members{node(1), node(2), node(3)};
  three.catalogue.adopt(one.catalogue.horizon(), members, nodes.now, out);
  disk.save_if_due(three.catalogue, nodes.now);
  three.catalogue.merge(one.catalogue.delta_for({}), Catalogue::Source::same_horizon, nodes.now,
                        out);
  ASSERT_NE(three.catalogue.file("b"), nullptr);
  disk.save(three.catalogue);
  Node const again{3, disk.stored, 2};
  EXPECT_NE(again.catalogue.file("b"), nullptr);
  EXPECT_EQ(again.catalogue.file("a"), nullptr);
}

TEST_F(Horizons, WhatWasWrittenInAnotherClusterStays) {
  remove_a();
  nodes.run(until_collected, step);
  for (std::uint64_t const number : {4u, 5u}) {
    MemberView member = nodes.members.back();
    member.alive.id = node(number);
    member.alive.peer = endpoint(number);
    nodes.members.push_back(member);
  }
  // Node 4 was alone, started again, and comes with a later horizon; node 5 with none.
  StoredCatalogue lone;
  lone.records = {put({.writer = 4, .sequence = 7}, "lone", 30, 5)};
  lone.positions = {{node(4), LogKind::names, Epoch{1}, 7}};
  lone.horizon = {{{9, node(4)}, {{node(4), LogKind::names, Epoch{1}, 5}}, {}}, false};
  Node four{4, lone, 2};
  Node five{5};
  tell(five, put({.writer = 5, .sequence = 1}, "new", 30, 5));
  nodes.join(four);
  nodes.join(five);
  nodes.run(30s);
  EXPECT_TRUE(nodes.agree());
  for (Node const* const who : {&one, &two, &three, &four, &five}) {
    EXPECT_NE(who->catalogue.file("b"), nullptr);
    EXPECT_NE(who->catalogue.file("lone"), nullptr);
    EXPECT_NE(who->catalogue.file("new"), nullptr);
    EXPECT_EQ(who->catalogue.horizon().id.generation, 9u);
  }
}

TEST_F(Horizons, WhatAWriterLostWithItsPowerComesBackFromOthersThoughTheHorizonHasPassedIt) {
  StoredCatalogue lost;
  three.catalogue.tables().walk([&](CatalogueRecord const& r) { lost.records.push_back(r); });
  write(one, put({.writer = 3, .sequence = 1}, "c", 30, 3));
  write(two, put({.writer = 3, .sequence = 1}, "c", 30, 3));
  lost.positions = one.catalogue.positions();
  lost.objects = {{digest(5), ByteCount{10}}};
  nodes.leave(three);
  remove_a();
  Node again{3, lost, 2};
  Effects out;
  std::vector<NodeId> const members{node(1), node(2), node(3)};
  nodes.run(10s);
  Horizon const horizon{{1, node(1)}, one.catalogue.positions(), {}};
  tell(again, removal({.writer = 12, .sequence = 2}, "a", 20));
  for (Node* const who : {&one, &two, &again}) {
    who->catalogue.adopt(horizon, members, nodes.now, out);
    ASSERT_FALSE(who->catalogue.is_filling());
  }
  ASSERT_EQ(again.catalogue.file("c"), nullptr);
  nodes.join(again);
  nodes.run(30s);
  EXPECT_NE(again.catalogue.file("c"), nullptr);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, WhatAnOlderCopyOfADiskSaidUnderAUsedDotIsSaidAgain) {
  remove_a();
  nodes.run(until_collected, step);
  StoredCatalogue older;
  three.catalogue.tables().walk([&](CatalogueRecord const& r) { older.records.push_back(r); });
  std::erase(older.records, have({.writer = 3, .sequence = 1}, 5));
  older.records.push_back(have({.writer = 3, .sequence = 1}, 6));
  older.objects = {{digest(6), ByteCount{10}}};
  older.positions = three.catalogue.positions();
  older.horizon = {three.catalogue.horizon(), false};
  nodes.leave(three);
  Node again{3, older, 2};
  nodes.join(again);
  nodes.run(30s);
  EXPECT_TRUE(nodes.agree());
  for (Node const* const who : {&one, &two, &again}) {
    EXPECT_THAT(who->catalogue.snapshot().holders(digest(6)), ElementsAre(node(3)));
    EXPECT_THAT(who->catalogue.snapshot().holders(digest(5)), IsEmpty());
  }
}

TEST_F(Horizons, ANewNodeIsToldEverythingAndTakesNothingOldFromOneThatWasAway) {
  collect_without_three();
  MemberView member = nodes.members[2];
  member.alive.id = node(4);
  member.alive.peer = endpoint(4);
  nodes.members.push_back(member);
  Node four{4};
  nodes.join(four);
  nodes.join(three);
  nodes.gossip(four, one);
  nodes.gossip(four, three);
  nodes.gossip(three, four);
  nodes.run(30s);
  for (Node const* const who : {&one, &two, &three, &four}) {
    EXPECT_EQ(who->catalogue.file("a"), nullptr);
    EXPECT_NE(who->catalogue.file("b"), nullptr);
    EXPECT_FALSE(who->catalogue.is_filling());
  }
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, ANodeThatKnewNothingOfItMayMeetTheOneThatWasAwayFirst) {
  collect_without_three();
  MemberView member = nodes.members[2];
  member.alive.id = node(4);
  member.alive.peer = endpoint(4);
  nodes.members.push_back(member);
  Node four{4};
  nodes.join(four);
  nodes.join(three);
  nodes.gossip(four, three);
  EXPECT_NE(four.catalogue.file("a"), nullptr) << "nobody has told it better";
  nodes.run(30s);
  EXPECT_EQ(four.catalogue.file("a"), nullptr);
  EXPECT_EQ(three.catalogue.file("a"), nullptr);
  EXPECT_EQ(one.catalogue.file("a"), nullptr);
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, HoldingsOfAForgottenMemberGo) {
  ASSERT_THAT(one.catalogue.snapshot().holders(digest(5)), ElementsAre(node(3)));
  nodes.leave(three);
  forget(3);
  nodes.run(until_collected, step);
  EXPECT_THAT(one.catalogue.snapshot().holders(digest(5)), IsEmpty());
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, PositionsOfWritersWhoAreGoneAreForgottenWhenTheyAreMany) {
  constexpr std::uint64_t last = 100 + HorizonKeeper::gone_logs_max;
  for (std::uint64_t writer = 100; writer <= last; ++writer) {
    write(one, have({.writer = writer, .sequence = 1}, 7));
    write(one, put({.writer = writer, .sequence = 1}, "c", writer));
  }
  nodes.run(10s);
  EXPECT_GT(one.catalogue.positions().size(), 2 * HorizonKeeper::gone_logs_max);
  nodes.run(until_collected, step);
  remove_a();
  nodes.run(until_collected, step);
  EXPECT_LT(one.catalogue.positions().size(), HorizonKeeper::gone_logs_max + 8);
  EXPECT_THAT(one.catalogue.positions(),
              Contains(LogPosition{node(last), LogKind::names, Epoch{1}, 1}));
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, OfTwoProposalsAtOnceOneWins) {
  remove_a();
  nodes.run(10s);
  Effects out;
  std::vector<NodeId> const members{node(1), node(2), node(3)};
  for (Node* const who : {&one, &two}) {
    who->catalogue.adopt({{1, who->id}, who->catalogue.positions(), {}}, members, nodes.now, out);
  }
  nodes.run(30s);
  for (Node const* const who : {&one, &two, &three}) {
    EXPECT_EQ(who->catalogue.horizon().id, (HorizonId{1, node(2)}));
    EXPECT_EQ(tombstones(*who), 0u);
  }
  EXPECT_TRUE(nodes.agree());
}

}  // namespace
}  // namespace chisme::cluster
