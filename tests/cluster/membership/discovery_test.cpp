#include "cluster/membership/discovery.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "cluster/wire/codec.hpp"
#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;
using Verdict = Discovery::Verdict;

Announcement announcement_of(std::size_t node) {
  return {Network::id_of(node), Epoch{1}, Network::endpoint_of(node), spoken_versions};
}

Discovery discovery_of(std::size_t node) {
  return Discovery{announcement_of(node), Random{node + 1}, Instant{}};
}

// How often it announces itself in so long a time.
unsigned announcements(std::size_t others, Duration time) {
  Discovery discovery = discovery_of(0);
  unsigned count = 0;
  while (discovery.deadline() < Instant{} + time) {
    count += discovery.is_due(others, discovery.deadline()) ? 1 : 0;
  }
  return count;
}

TEST(Discovery, AloneANodeAnnouncesItselfOftenAndInCompanyNow) {
  EXPECT_NEAR(announcements(0, 10min), 120, 6);
  EXPECT_NEAR(announcements(1, 10min), 10, 1);
  EXPECT_LT(discovery_of(0).deadline(), Instant{1s}) << "the first time at once";
}

TEST(Discovery, OneThatLosesItsCompanyAnnouncesItselfSoon) {
  Discovery discovery = discovery_of(0);
  EXPECT_TRUE(discovery.is_due(3, Instant{1s}));
  EXPECT_FALSE(discovery.is_due(3, Instant{6s}));
  EXPECT_TRUE(discovery.is_due(0, Instant{11s}));
}

TEST(Discovery, AStrangerIsJoinedAndNotAgainAtOnce) {
  Discovery discovery = discovery_of(0);
  Announcement const stranger = announcement_of(1);
  EXPECT_EQ(discovery.hear(stranger, {}, Instant{1s}), Verdict::join);
  EXPECT_EQ(discovery.hear(stranger, {}, Instant{5s}), Verdict::later);
  EXPECT_EQ(discovery.hear(stranger, {}, Instant{6s}), Verdict::join);
}

TEST(Discovery, ItselfAndMembersThatLiveAreKnown) {
  Discovery discovery = discovery_of(0);
  EXPECT_EQ(discovery.hear(announcement_of(0), {}, Instant{}), Verdict::known);
  Announcement member = announcement_of(1);
  EXPECT_EQ(discovery.hear(member, {.lives_in = Epoch{1}, .others = 1}, Instant{}), Verdict::known);
  member.epoch = Epoch{2};
  EXPECT_EQ(discovery.hear(member, {.lives_in = Epoch{1}, .others = 1}, Instant{}), Verdict::join);
}

TEST(Discovery, AnAddressThatMeansThisMachineHereIsNotJoined) {
  Announcement far = announcement_of(1);
  far.peer = *parse_endpoint("10.1.2.3:8701");
  EXPECT_EQ(discovery_of(0).hear(far, {}, Instant{}), Verdict::out_of_reach);
  Discovery at_far{far, Random{1}, Instant{}};
  EXPECT_EQ(at_far.hear(announcement_of(0), {}, Instant{}), Verdict::out_of_reach);
  Announcement neighbour = announcement_of(2);
  neighbour.peer = *parse_endpoint("10.1.2.4:8701");
  EXPECT_EQ(at_far.hear(neighbour, {}, Instant{}), Verdict::join);
  neighbour.peer.port = 0;
  EXPECT_EQ(at_far.hear(neighbour, {}, Instant{10s}), Verdict::out_of_reach);
}

TEST(Discovery, ANodeOfOtherVersionsIsToldOfOnceAndNotJoined) {
  Discovery discovery = discovery_of(0);
  Announcement newer = announcement_of(1);
  newer.versions = {.lowest = 9, .current = 9, .highest = 9};
  EXPECT_EQ(discovery.hear(newer, {}, Instant{}), Verdict::other_version);
  EXPECT_EQ(discovery.hear(newer, {}, Instant{9min}), Verdict::later);
  EXPECT_EQ(discovery.hear(newer, {}, Instant{11min}), Verdict::other_version);
}

TEST(Discovery, OfAManyMembersAFewJoinANewNode) {
  Discovery discovery = discovery_of(0);
  unsigned joined = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    Instant const now = Instant{} + i * 6s;
    joined +=
        discovery.hear(announcement_of(i + 1), {.lives_in = {}, .others = 99}, now) == Verdict::join
            ? 1
            : 0;
  }
  EXPECT_NEAR(joined, 80, 40);
}

TEST(Discovery, HoweverManyComeThoseLookedAtAndJoinedAreBounded) {
  Discovery discovery = discovery_of(0);
  std::size_t looked = 0;
  std::size_t joined = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    looked += discovery.may_look(Instant{500ms}) ? 1 : 0;
    joined += discovery.hear(announcement_of(i + 1), {}, Instant{500ms}) == Verdict::join ? 1 : 0;
  }
  EXPECT_EQ(looked, Discovery::heard_max);
  EXPECT_EQ(joined, Discovery::joining_max);
  EXPECT_TRUE(discovery.may_look(Instant{2s}));
  TableSizes sizes;
  discovery.add_sizes(sizes);
  ASSERT_EQ(sizes.size(), 1u);
  EXPECT_LE(sizes[0].size, sizes[0].most);
}

TEST(Discovery, AnAnnouncementIsReadAsItIsWritten) {
  Announcement const told = announcement_of(3);
  std::string const text = encode(told);
  auto const bytes = std::as_bytes(std::span{text});
  auto const read = decode_announcement(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, told);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_announcement(bytes.first(length))) << length;
  }
  std::string longer = text + '\0';
  EXPECT_FALSE(decode_announcement(std::as_bytes(std::span{longer})));
  longer = text;
  longer[0] = 2;
  EXPECT_FALSE(decode_announcement(std::as_bytes(std::span{longer}))) << "another form";
}

// Nodes without seeds on a network on which announcements reach everybody, or get lost.
class Neighbourhood {
 public:
  Neighbourhood(std::uint64_t seed, std::size_t count, double loss)
      : network{seed}, random_{seed}, loss_{loss} {
    for (std::size_t node = 0; node < count; ++node) add();
  }

  void add() {
    std::size_t const node = network.add({});
    discoveries_.emplace_back(announcement_of(node), random_.split(node), network.now());
  }

  void run(Duration duration) {
    for (Instant const end = network.now() + duration; network.now() < end;) {
      network.run(100ms);
      for (std::size_t node = 0; node < network.size(); ++node) announce(node);
    }
  }

  // Everybody hears it, as from the air.
  void play(Announcement const& announcement) {
    for (std::size_t node = 0; node < network.size(); ++node) hear(node, announcement);
  }

  Network network;
  std::size_t announced = 0;
  std::size_t joined = 0;

 private:
  void announce(std::size_t node) {
    Discovery& discovery = discoveries_[node];
    if (!network.is_up(node) || discovery.deadline() > network.now()) return;
    if (!discovery.is_due(sight(node, {}).others, network.now())) return;
    ++announced;
    for (std::size_t other = 0; other < network.size(); ++other) {
      if (other != node && !random_.chance(loss_)) hear(other, discovery.self());
    }
  }

  void hear(std::size_t node, Announcement const& heard) {
    if (!network.is_up(node)) return;
    Instant const now = network.now();
    if (discoveries_[node].hear(heard, sight(node, heard.node), now) != Verdict::join) return;
    ++joined;
    network.act(node, [&](Swim& swim, Effects& out) { swim.found(heard.peer, now, out); });
  }

  Discovery::Sight sight(std::size_t node, NodeId of) {
    Discovery::Sight sight;
    for (auto const& [id, member] : network.at(node).members()) {
      if (id == Network::id_of(node) || !is_live(member.state)) continue;
      ++sight.others;
      if (id == of) sight.lives_in = member.alive.epoch;
    }
    return sight;
  }

  Random random_;
  double loss_;
  std::vector<Discovery> discoveries_;
};

TEST(Neighbours, FindOneAnotherAlthoughTheyWereToldNoAddress) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Neighbourhood all{seed, 5, 0.3};
    all.run(20s);
    EXPECT_TRUE(all.network.all_see_all_alive()) << seed;
    for (std::size_t node = 0; node < 5; ++node) {
      EXPECT_EQ(all.network.at(node).members().size(), 5u) << seed;
    }
    std::size_t const announced = all.announced;
    all.run(10min);
    EXPECT_LE(all.announced - announced, 5u * 11);
    EXPECT_EQ(all.network.deaths(), 0u);
  }
}

TEST(Neighbours, ALateOneIsJoinedByAFewWithinSeconds) {
  Neighbourhood all{7, 40, 0};
  all.run(30s);
  ASSERT_TRUE(all.network.all_see_all_alive());
  all.joined = 0;
  all.add();
  all.run(6s);
  EXPECT_TRUE(all.network.all_see(40, MemberState::alive));
  EXPECT_GE(all.joined, 1u);
  EXPECT_LE(all.joined, 20u);
}

TEST(Neighbours, WhatIsPlayedAgainOfOneWhoIsGoneChangesNothing) {
  Neighbourhood all{3, 4, 0};
  all.run(20s);
  ASSERT_TRUE(all.network.all_see_all_alive());
  all.network.crash(3);
  all.run(20s);
  ASSERT_TRUE(all.network.all_see(3, MemberState::dead));
  all.network.announced.clear();
  for (unsigned i = 0; i < 200; ++i) {
    all.play(announcement_of(3));
    Announcement never_met = announcement_of(3);
    never_met.node.high = 77;
    all.play(never_met);
    all.run(200ms);
  }
  EXPECT_TRUE(all.network.announced.empty());
  for (std::size_t node = 0; node < 3; ++node) {
    EXPECT_EQ(all.network.at(node).members().size(), 4u);
    EXPECT_EQ(all.network.at(node).missed(), 0u);
    EXPECT_TRUE(all.network.at(node).in_touch());
  }
}

}  // namespace
}  // namespace chisme::cluster::testing
