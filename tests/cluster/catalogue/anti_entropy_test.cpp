#include "cluster/catalogue/anti_entropy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "cluster/config.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr Duration period = 10s;
constexpr Duration kept = 1h;

Endpoint endpoint(std::uint64_t number) {
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(number);
  return endpoint;
}

struct Node {
  explicit Node(std::uint64_t number, StoredCatalogue stored = {}, std::uint32_t epoch = 1)
      : id(node(number)),
        catalogue(id, Epoch{epoch}, std::move(stored), Instant{}),
        anti_entropy(id, period, kept, Instant{}) {}
  NodeId id;
  Catalogue catalogue;
  AntiEntropy anti_entropy;
};

// Nodes 1 and 2, who know each other and have a network that loses nothing.
struct Pair {
  Pair() {
    for (std::uint64_t const number : {1u, 2u}) {
      MemberView member;
      member.alive.id = node(number);
      member.alive.peer = endpoint(number);
      members.push_back(member);
    }
  }
  Situation at(Node const& who) { return {.now = now, .self = who.id, .members = members}; }

  // Delivers what `from` sent, and what follows from it. Returns how many messages that took.
  int deliver(Node& from, Node& to, Effects effects) {
    int delivered = 0;
    for (Effect const& effect : effects) {
      auto const* const send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      ++delivered;
      Envelope const envelope{from.id, Epoch{1}, endpoint(from.id.low), send->message};
      Effects out;
      if (auto const* const digest = std::get_if<CatalogueDigest>(&send->message)) {
        to.anti_entropy.handle(envelope, *digest, to.catalogue, at(to), out);
      } else {
        to.anti_entropy.handle(envelope, std::get<CatalogueDelta>(send->message), to.catalogue,
                               at(to), out);
      }
      delivered += deliver(to, from, std::move(out));
    }
    return delivered;
  }

  // `who` hears the other's gossip.
  int gossip(Node& who, Node& other) {
    Effects out;
    who.anti_entropy.heard(other.id, other.catalogue.fingerprint(), who.catalogue, at(who), out);
    return deliver(who, other, std::move(out));
  }

  std::vector<MemberView> members;
  Instant now{};
};

void tell(Node& who, CatalogueRecord const& record) {
  Effects out;
  who.catalogue.merge(record, Instant{}, out);
}

TEST(AntiEntropy, OneExchangeBringsTwoNodesTogether) {
  Pair pair;
  Node one{1};
  Node two{2};
  tell(one, put({.writer = 3, .sequence = 1}, "a", 10));
  tell(one, put({.writer = 3, .sequence = 2}, "b", 10));
  tell(two, removal({.writer = 4}, "a", 20));
  EXPECT_GT(pair.gossip(one, two), 0);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
  EXPECT_EQ(one.catalogue.file("a"), nullptr);
  EXPECT_NE(two.catalogue.file("b"), nullptr);
}

TEST(AntiEntropy, EqualFingerprintsCostNothing) {
  Pair pair;
  Node one{1};
  Node two{2};
  EXPECT_EQ(pair.gossip(one, two), 0);
}

TEST(AntiEntropy, AsksOnePeerAtMostTwiceASecond) {
  Pair pair;
  Node one{1};
  int digests = 0;
  for (; pair.now < Instant{} + 10s; pair.now += 10ms) {
    Effects out;
    one.anti_entropy.heard(node(2), 99, one.catalogue, pair.at(one), out);
    digests += static_cast<int>(out.size());
  }
  EXPECT_EQ(digests, 20);
}

TEST(AntiEntropy, AsksNobodyWhoIsDead) {
  Pair pair;
  pair.members[1].state = MemberState::dead;
  Node one{1};
  Effects out;
  one.anti_entropy.heard(node(2), 99, one.catalogue, pair.at(one), out);
  pair.now += period;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  EXPECT_TRUE(out.empty());
}

TEST(AntiEntropy, WithoutAnyGossipItAsksOnePeerEachPeriod) {
  Pair pair;
  Node one{1};
  Node two{2};
  tell(two, put({.writer = 3}, "a", 10));
  Effects out;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(one.anti_entropy.deadline(), Instant{} + period);
  pair.now += period;
  one.anti_entropy.tick(one.catalogue, pair.at(one), false, out);
  pair.deliver(one, two, std::move(out));
  EXPECT_NE(one.catalogue.file("a"), nullptr);
}

TEST(AntiEntropy, ALargeDifferenceIsMadeUpInOneGo) {
  Pair pair;
  Node one{1};
  Node two{2};
  for (std::uint64_t i = 1; i <= 3000; ++i) {
    tell(two, put({.writer = 3, .sequence = i}, std::string(900, 'x') + std::to_string(i), i));
  }
  pair.gossip(one, two);
  EXPECT_EQ(one.catalogue.fingerprint(), two.catalogue.fingerprint());
}

TEST(AntiEntropy, ANodeThatLostItsCatalogueGetsItsOwnRecordsBack) {
  Pair pair;
  Node two{2};
  tell(two, have({.writer = 1, .sequence = 7}, 1));
  tell(two, put({.writer = 1, .sequence = 3}, "a", 10));
  Node one{1, {}, 2};  // nothing on its disk but its identity
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

TEST(AntiEntropy, ARecordHiddenByPositionsIsFoundByAnAudit) {
  Pair pair;
  Node one{1};
  Node two{2};
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
  Pair pair;
  Node one{1};
  Node two{2};
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
  Pair pair;
  Node one{1};
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
