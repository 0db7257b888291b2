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
  Catalogue::Members const members{{node(1), {}}, {node(2), {}}, {node(3), {}}};
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

TEST_F(Horizons, WhatAMemberWroteThatCameAfterTheHorizonStays) {
  remove_a();
  nodes.run(until_collected, step);
  // It knows no horizon yet, and has stored a write of node 5.
  Node four{4};
  tell(four, put({.writer = 5, .sequence = 1}, "now", 30, 5));
  tell(four, put({.writer = 6, .sequence = 1}, "once", 30, 5));
  tell(four, put({.writer = 7, .sequence = 1, .epoch = 1}, "before it started again", 30, 5));
  Catalogue::Members const members{{node(5), Epoch{1}}, {node(7), Epoch{2}}};
  Effects out;
  four.catalogue.adopt(one.catalogue.horizon(), members, nodes.now, out);
  ASSERT_TRUE(four.catalogue.is_filling());
  EXPECT_NE(four.catalogue.file("now"), nullptr);
  EXPECT_EQ(four.catalogue.file("once"), nullptr);
  EXPECT_EQ(four.catalogue.file("before it started again"), nullptr);
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

TEST_F(Horizons, PositionsOfWritersWhoAreGoneAreForgotten) {
  for (std::uint64_t writer = 100; writer < 110; ++writer) {
    write(one, have({.writer = writer, .sequence = 1}, 7));
    write(one, put({.writer = writer, .sequence = 1}, "c", writer));
  }
  nodes.run(10s);
  EXPECT_GT(one.catalogue.positions().size(), 20u);
  nodes.run(until_collected, step);
  remove_a();
  nodes.run(until_collected, step);
  EXPECT_LT(one.catalogue.positions().size(), 8u);
  EXPECT_THAT(one.catalogue.positions(),
              Contains(LogPosition{node(109), LogKind::names, Epoch{1}, 1}));
  EXPECT_TRUE(nodes.agree());
}

TEST_F(Horizons, OfTwoProposalsAtOnceOneWins) {
  remove_a();
  nodes.run(10s);
  Effects out;
  Catalogue::Members const members{{node(1), {}}, {node(2), {}}, {node(3), {}}};
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
