#include "cluster/catalogue/anti_entropy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/config.hpp"
#include "tests/cluster/catalogue/nodes.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST(AntiEntropy, OneExchangeBringsTwoNodesTogether) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  tell(one, put({.writer = 3, .sequence = 1}, "a", 10));
  tell(one, put({.writer = 3, .sequence = 2}, "b", 10));
  tell(two, removal({.writer = 4}, "a", 20));
  EXPECT_GT(pair.gossip(one, two), 0);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
  EXPECT_EQ(one.catalogue.file("a"), nullptr);
  EXPECT_NE(two.catalogue.file("b"), nullptr);
}

TEST(AntiEntropy, EqualFingerprintsCostNothing) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  EXPECT_EQ(pair.gossip(one, two), 0);
}

bool is_digest(Effect const& effect) {
  return std::holds_alternative<CatalogueDigest>(std::get<Send>(effect).message);
}

enum class Answers : std::uint8_t { nothing, nothing_new, news };

// How often `one` asks the second node of `pair`, whose fingerprint differs, in ten seconds.
int digests_in_ten_seconds(Nodes& pair, Node& one, Answers answers) {
  std::uint64_t fingerprint = 99;
  int digests = 0;
  for (Instant const end = pair.now + 10s; pair.now < end; pair.now += 10ms) {
    Effects out;
    if (answers == Answers::news) ++fingerprint;
    one.anti_entropy.heard(node(2), fingerprint, one.catalogue, pair.at(one), out);
    auto const asked = std::ranges::count_if(out, is_digest);
    digests += static_cast<int>(asked);
    Envelope const from{node(2), Epoch{1}, Endpoint{}, {}};
    CatalogueDigest const answer{.positions = {}, .wants_reply = false};
    out.clear();
    if (answers != Answers::nothing && asked > 0) {
      one.anti_entropy.handle(from, answer, one.catalogue, pair.at(one), out);
    }
  }
  return digests;
}

TEST(AntiEntropy, AsksOnePeerAtMostTwiceASecond) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  EXPECT_EQ(digests_in_ten_seconds(pair, one, Answers::news), 20);
}

TEST(AntiEntropy, AsksOnePeerThatSaysNothingLessAndLessOften) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  EXPECT_EQ(digests_in_ten_seconds(pair, one, Answers::nothing), 4);  // at 0, 1, 3 and 7 s
  pair.now += 4s;
  EXPECT_GE(digests_in_ten_seconds(pair, one, Answers::news), 19);
}

TEST(AntiEntropy, AsksOnePeerThatSaysNothingNewLessAndLessOften) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  EXPECT_LE(digests_in_ten_seconds(pair, one, Answers::nothing_new), 12);
  EXPECT_LE(digests_in_ten_seconds(pair, one, Answers::nothing_new), 4);
  pair.now += 4s;
  EXPECT_GE(digests_in_ten_seconds(pair, one, Answers::news), 19);
}

TEST(AntiEntropy, DigestsThatCameTogetherAreAnsweredOnce) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  tell(one, put({.writer = 3}, "a", 10));
  auto const answers = [&] {
    Effects out;
    Envelope const from{node(2), Epoch{1}, Endpoint{}, {}};
    CatalogueDigest const digest{.positions = {}, .wants_reply = false};
    one.anti_entropy.handle(from, digest, one.catalogue, pair.at(one), out);
    return out.size();
  };
  EXPECT_EQ(answers(), 1u);
  EXPECT_EQ(answers(), 0u);
  pair.now += 500ms;
  EXPECT_EQ(answers(), 1u);
}

TEST(AntiEntropy, DigestsThatCameTogetherAreAnsweredOnceAlsoWithAFullMessage) {
  Nodes pair{2};
  Node one{1};
  for (std::uint64_t number = 1; number <= 6000; ++number) {
    tell(one, put({.writer = 3, .sequence = number}, "file-" + std::to_string(number), 10));
  }
  auto const answers = [&](std::vector<LogPosition> claims) {
    Effects out;
    Envelope const from{node(2), Epoch{1}, Endpoint{}, {}};
    one.anti_entropy.handle(from, CatalogueDigest{std::move(claims), false}, one.catalogue,
                            pair.at(one), out);
    return out;
  };
  Effects const first = answers({});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(answers({}).size(), 0u);
  auto const& answer = std::get<CatalogueAnswer>(std::get<Send>(first[0]).message);
  ASSERT_LT(answer.delta.records.size(), 6000u);
  EXPECT_EQ(answers({position_of(answer.delta.records.back())}).size(), 1u) << "it goes on at once";
}

TEST(AntiEntropy, AsksNobodyWhoIsDead) {
  Nodes pair{2};
  pair.members[1].state = MemberState::dead;
  Node one{1};
  pair.join(one);
  Effects out;
  one.anti_entropy.heard(node(2), 99, one.catalogue, pair.at(one), out);
  pair.now += period;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  EXPECT_TRUE(out.empty());
}

TEST(AntiEntropy, WithoutAnyGossipItAsksOnePeerEachPeriod) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  tell(two, put({.writer = 3}, "a", 10));
  Effects out;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(one.anti_entropy.deadline(), Instant{} + period);
  pair.now += period;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  pair.deliver(one, std::move(out));
  EXPECT_NE(one.catalogue.file("a"), nullptr);
}

TEST(AntiEntropy, ALargeDifferenceIsMadeUpInOneGo) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  for (std::uint64_t i = 1; i <= 3000; ++i) {
    tell(two, put({.writer = 3, .sequence = i}, std::string(900, 'x') + std::to_string(i), i));
  }
  pair.gossip(one, two);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
}

TEST(AntiEntropy, ANodeThatLostItsCatalogueGetsItsOwnRecordsBack) {
  Nodes pair{2};
  Node two{2};
  pair.join(two);
  tell(two, have({.writer = 1, .sequence = 7}, 1));
  tell(two, put({.writer = 1, .sequence = 3}, "a", 10));
  Node one{1, {}, 2};  // nothing on its disk but its identity
  pair.join(one);
  one.catalogue.object_stored({digest(5), ByteCount{10}});
  Effects out;
  one.catalogue.saved(one.catalogue.save(out));
  pair.gossip(one, two);
  one.catalogue.saved(one.catalogue.save(out));
  pair.now += 1s;
  pair.gossip(one, two);
  EXPECT_NE(one.catalogue.file("a"), nullptr);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
  // It does not have the object any more, and everybody knows.
  EXPECT_TRUE(two.catalogue.snapshot().holders(digest(1)).empty());
}

// Nodes 1 and 2 each lack a record that the other has, and claim to have both.
void hide_records(Node& one, Node& two) {
  Effects out;
  std::vector<LogPosition> const through{{node(3), LogKind::names, Epoch{1}, 9}};
  one.catalogue.merge({.records = {put({.writer = 3, .sequence = 4}, "b", 10)}, .through = through},
                      Catalogue::Source::any, Instant{}, out);
  two.catalogue.merge({.records = {put({.writer = 3, .sequence = 5}, "a", 10)}, .through = through},
                      Catalogue::Source::any, Instant{}, out);
}

TEST(AntiEntropy, WhatANodeLostOfItsOwnLogItAsksForUntilItIsAnswered) {
  Nodes pair{2};
  Node two{2};
  tell(two, put({.writer = 1, .sequence = 1}, "a", 10));
  Node one{1, {}, 2};
  pair.join(one);
  Effects out;
  one.catalogue.object_stored({digest(5), ByteCount{10}});
  one.catalogue.saved(one.catalogue.save(out));
  pair.gossip(one, two);  // and its digest is lost
  pair.join(two);
  pair.now += 1s;
  pair.gossip(one, two);
  EXPECT_NE(one.catalogue.file("a"), nullptr);
  EXPECT_EQ(pair.kinds[Message{RangeSync{}}.index()], 0);
}

TEST(AntiEntropy, AnAnswerToAnEarlierRunClaimsNothing) {
  Nodes pair{2};
  Node two{2};
  write(two, put({.writer = 3, .sequence = 1}, "a", 10));
  write(two, put({.writer = 3, .sequence = 2}, "b", 20));
  // The first run of node 1 had "a", which it lost in a power cut.
  Envelope const from{node(1), Epoch{1}, endpoint(1), CatalogueDigest{}};
  Effects answers;
  two.anti_entropy.handle(from, CatalogueDigest{{{node(3), LogKind::names, Epoch{1}, 1}}},
                          two.catalogue, pair.at(two), answers);
  Node again{1, {}, 2};
  pair.join(again);
  EXPECT_EQ(pair.deliver(two, std::move(answers)), 1);
  EXPECT_NE(again.catalogue.file("b"), nullptr);
  EXPECT_THAT(again.catalogue.positions(), ::testing::IsEmpty());
  pair.join(two);
  pair.now += 1s;
  pair.gossip(again, two);
  EXPECT_NE(again.catalogue.file("a"), nullptr);
  EXPECT_TRUE(pair.agree());
}

TEST(AntiEntropy, RecordsHiddenByPositionsAreFoundByRangeSync) {
  Nodes pair{2};
  Node one{1};
  Node two{2};
  pair.join(one);
  pair.join(two);
  hide_records(one, two);
  pair.gossip(one, two);
  EXPECT_NE(one.catalogue.file("a"), nullptr);
  EXPECT_NE(two.catalogue.file("b"), nullptr);
  EXPECT_EQ(pair.kinds[Message{RangeSync{}}.index()], 6 + 1) << "and one to see that it is all";
  pair.run(5s);
  EXPECT_TRUE(pair.agree());
}

TEST(AntiEntropy, TwoThingsSaidUnderOneDotComeToBothNodes) {
  Nodes pair{2};
  Node one{1};
  Node two{2};
  pair.join(one);
  pair.join(two);
  write(one, have({.writer = 9, .sequence = 1}, 5));
  write(two, have({.writer = 9, .sequence = 1}, 6));
  write(one, have({.writer = 9, .sequence = 2}, 7));
  write(two, drop({.writer = 9, .sequence = 2}, 7));
  pair.run(10s);
  EXPECT_TRUE(pair.agree());
  for (Node const* const who : {&one, &two}) {
    EXPECT_TRUE(who->catalogue.holding(digest(5), node(9)));
    EXPECT_TRUE(who->catalogue.holding(digest(6), node(9)));
    EXPECT_FALSE(who->catalogue.holding(digest(7), node(9)))
        << "a holder that has it says so again";
  }
}

TEST(AntiEntropy, RangeSyncFindsHiddenRecordsThoughSomebodyWritesAllTheTime) {
  Nodes pair{2};
  Node one{1};
  Node two{2};
  pair.join(one);
  pair.join(two);
  hide_records(one, two);
  for (std::uint64_t i = 1; i < 200; ++i) {
    std::string const name = std::to_string(i);
    tell(one, put({.writer = 4, .sequence = 2 * i}, "x" + name, 10));
    tell(two, put({.writer = 5, .sequence = 2 * i}, "y" + name, 10));
    pair.gossip(i % 2 == 0 ? one : two, i % 2 == 0 ? two : one);
    tell(one, put({.writer = 4, .sequence = 2 * i + 1}, "x" + name, 20));
    tell(two, put({.writer = 5, .sequence = 2 * i + 1}, "y" + name, 20));
    pair.now += 100ms;
  }
  EXPECT_NE(one.catalogue.file("a"), nullptr);
  EXPECT_NE(two.catalogue.file("b"), nullptr);
}

TEST(AntiEntropy, RangeSyncThatFindsNothingBecomesRare) {
  Nodes pair{2};
  Node one{1};
  Effects out;
  for (; pair.now < Instant{} + 300s; pair.now += 100ms) {
    one.anti_entropy.heard(node(2), 99, one.catalogue, pair.at(one), out);
  }
  auto const opened = std::ranges::count_if(out, [](Effect const& effect) {
    return std::holds_alternative<RangeSync>(std::get<Send>(effect).message);
  });
  EXPECT_GE(opened, 7);
  EXPECT_LE(opened, 13);
}

TEST(AntiEntropy, ManyHiddenRecordsAreLevelledInMessagesOfBoundedSize) {
  Nodes pair{2};
  Node one{1};
  Node two{2};
  pair.join(one);
  pair.join(two);
  Effects out;
  std::vector<LogPosition> const through{{node(3), LogKind::names, Epoch{1}, 9999}};
  for (std::uint64_t i = 1; i <= 3000; ++i) {
    Node& who = i % 2 == 0 ? one : two;
    tell(who, put({.writer = 3, .sequence = i}, std::string(500, 'x') + std::to_string(i), i));
  }
  for (Node* const who : {&one, &two}) {
    who->catalogue.merge({.records = {}, .through = through}, Catalogue::Source::any, Instant{},
                         out);
  }
  pair.run(60s);
  EXPECT_TRUE(pair.agree());
  EXPECT_EQ(one.catalogue.snapshot().size(), 3000u);
}

TEST(AntiEntropy, ARecordHiddenByPositionsIsFoundByAnAudit) {
  Nodes pair{2, ProtocolVersions{1, 1, 1}};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  // Node 1 was told "everything up to 9" by somebody who lacked record 5.
  Effects out;
  one.catalogue.merge({.records = {}, .through = {{node(3), LogKind::names, Epoch{1}, 9}}},
                      Catalogue::Source::any, Instant{}, out);
  two.catalogue.merge({.records = {put({.writer = 3, .sequence = 5}, "a", 10)},
                       .through = {{node(3), LogKind::names, Epoch{1}, 9}}},
                      Catalogue::Source::any, Instant{}, out);
  for (int i = 0; i < 10 && one.catalogue.file("a") == nullptr; ++i) {
    pair.gossip(one, two);
    pair.now += 600ms;
  }
  EXPECT_NE(one.catalogue.file("a"), nullptr);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
}

TEST(AntiEntropy, ANodeThatIsAuditedFindsWhatWasHiddenFromItToo) {
  Nodes pair{2, ProtocolVersions{1, 1, 1}};
  Node one{1};
  pair.join(one);
  Node two{2};
  pair.join(two);
  Effects out;
  one.catalogue.merge({.records = {put({.writer = 4, .sequence = 1}, "b", 10)},
                       .through = {{node(3), LogKind::names, Epoch{1}, 9}}},
                      Catalogue::Source::any, Instant{}, out);
  two.catalogue.merge({.records = {put({.writer = 3, .sequence = 5}, "a", 10)},
                       .through = {{node(3), LogKind::names, Epoch{1}, 9}}},
                      Catalogue::Source::any, Instant{}, out);
  pair.gossip(one, two);
  for (int i = 0; i < 10 && one.catalogue.file("a") == nullptr; ++i) {
    pair.now += 600ms;
    pair.gossip(two, one);  // only node 2 ever begins
  }
  EXPECT_NE(one.catalogue.file("a"), nullptr);
}

TEST(AntiEntropy, ANodeThatOthersAskAllTheTimeStillAsks) {
  Nodes pair{2};
  Node one{1};
  pair.join(one);
  MemberView third = pair.members.back();
  third.alive.id = node(3);
  pair.members.push_back(third);
  Envelope const from{node(2), Epoch{1}, endpoint(2), CatalogueDigest{}};
  Effects answers;
  one.anti_entropy.handle(from, CatalogueDigest{.positions = {}, .wants_reply = true},
                          one.catalogue, pair.at(one), answers);
  Effects out;
  one.anti_entropy.heard(node(3), 77, one.catalogue, pair.at(one), out);
  EXPECT_EQ(out.size(), 1u);
}

}  // namespace
}  // namespace chisme::cluster
