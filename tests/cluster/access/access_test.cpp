#include "cluster/access/access.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/wire/codec.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

WallTime const wall{std::chrono::seconds{1'800'000'000}};
Revocation revocation(std::uint64_t id, std::chrono::hours life = std::chrono::hours{24}) {
  return {CredentialKind::token, id, wall + life};
}

// Nodes with an Access each, under virtual time. Messages are encoded and decoded; datagrams may be
// lost; a disk keeps what was synced, 20 ms after it was given.
class Nodes {
 public:
  explicit Nodes(unsigned count, std::uint64_t seed = 1) : random_(seed) {
    for (unsigned i = 0; i < count; ++i) {
      MemberView member;
      member.alive.id = NodeId{0, i + 1};
      member.alive.peer.port = static_cast<std::uint16_t>(9000 + i);
      member.alive.versions = spoken_versions;
      members_.push_back(member);
      nodes_.emplace_back();
    }
    for (unsigned i = 0; i < count; ++i) start(i);
  }

  void start(unsigned i) {
    nodes_[i].access = std::make_unique<Access>(loopback_profile(), members_[i].alive.id,
                                                nodes_[i].disk, wall, random_.split(i), now_);
  }
  void crash(unsigned i) {
    nodes_[i].access.reset();
    nodes_[i].save.reset();
  }
  void set_versions(unsigned i, ProtocolVersions versions) {
    members_[i].alive.versions = versions;
  }
  void set_state(unsigned i, MemberState state) { members_[i].state = state; }

  void revoke(unsigned i, Revocation what) {
    Effects out;
    nodes_[i].access->handle(RevokeRequested{RevokeId{++revokes_}, what}, situation(i), out);
    carry_out(i, out);
  }
  void use(unsigned i, std::uint64_t link, std::uint32_t count) {
    Effects out;
    nodes_[i].access->handle(LinkUsed{link, wall + 24h, count}, situation(i), out);
    carry_out(i, out);
  }
  void meet(unsigned i, unsigned whom) {
    Effects out;
    nodes_[i].access->meet(std::vector{members_[whom].alive.id}, situation(i), out);
    carry_out(i, out);
  }

  void run(Duration span) {
    for (Instant const end = now_ + span; now_ < end; now_ += step) {
      for (unsigned i = 0; i < nodes_.size(); ++i) turn(i);
      deliver();
    }
  }
  std::optional<Duration> run_until(std::function<bool()> const& done, Duration most) {
    Instant const begin = now_;
    while (!done()) {
      if (now_ - begin > most) return std::nullopt;
      run(step);
    }
    return now_ - begin;
  }

  [[nodiscard]] bool knows(unsigned i, std::uint64_t id) const {
    Access const* const access = nodes_[i].access.get();
    return access != nullptr && access->state()->is_revoked(CredentialKind::token, id);
  }
  [[nodiscard]] bool all_know(std::uint64_t id) const {
    for (unsigned i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].access && !knows(i, id)) return false;
    }
    return true;
  }
  [[nodiscard]] Access& at(unsigned i) { return *nodes_[i].access; }
  [[nodiscard]] Situation situation(unsigned i) {
    seen_ = members_;
    seen_[i].self = true;
    return {.now = now_, .self = members_[i].alive.id, .members = Members{seen_}};
  }
  [[nodiscard]] std::vector<RevokeFinished> const& finished() const { return finished_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }

  std::function<bool(unsigned, unsigned)> cut = [](unsigned, unsigned) { return false; };
  double loss = 0;
  bool disk_fails = false;
  std::size_t largest_datagram = 0;

 private:
  static constexpr Duration step = 5ms;
  struct Node {
    std::unique_ptr<Access> access;
    AccessNews disk;
    std::optional<SaveAccess> save;
    Instant saved_at{};
  };
  struct Packet {
    unsigned from;
    unsigned to;
    std::string bytes;
  };

  void turn(unsigned i) {
    Node& node = nodes_[i];
    if (!node.access) return;
    Effects out;
    auto const due = node.access->deadline();
    if (due && *due <= now_) node.access->tick(situation(i), out);
    if (node.save && node.saved_at <= now_ && !disk_fails) {
      node.disk = node.save->all;
      AccessSaved const saved{node.save->save};
      node.save.reset();
      node.access->handle(saved, situation(i), out);
    }
    carry_out(i, out);
  }
  void carry_out(unsigned i, Effects& effects) {
    for (Effect& effect : effects) {
      if (auto* const send = std::get_if<Send>(&effect)) post(i, *send);
      if (auto* const save = std::get_if<SaveAccess>(&effect)) {
        ASSERT_FALSE(nodes_[i].save.has_value()) << "two saves at a time";
        nodes_[i].save = std::move(*save);
        nodes_[i].saved_at = now_ + 20ms;
      }
      if (auto* const done = std::get_if<RevokeFinished>(&effect)) finished_.push_back(*done);
    }
  }
  void post(unsigned from, Send const& send) {
    unsigned const to = send.to.port - 9000u;
    ++sent_;
    std::string bytes =
        encode({members_[from].alive.id, Epoch{1}, members_[from].alive.peer, send.message});
    bool const is_datagram = send.channel == Channel::datagram;
    if (is_datagram) largest_datagram = std::max(largest_datagram, bytes.size());
    EXPECT_LE(bytes.size(), is_datagram ? datagram_bytes_max : stream_message_bytes_max);
    EXPECT_LE(minimum_version_of(send.message), members_[to].alive.versions.highest);
    if (cut(from, to) || (is_datagram && random_.chance(loss))) return;
    packets_.push_back({from, to, std::move(bytes)});
  }
  void deliver() {
    for (Packet const& packet : std::exchange(packets_, {})) {
      auto const envelope = decode(packet.bytes, stream_message_bytes_max);
      ASSERT_TRUE(envelope.has_value());
      if (!nodes_[packet.to].access) continue;
      Effects out;
      nodes_[packet.to].access->received(*envelope, situation(packet.to), out);
      carry_out(packet.to, out);
    }
  }

  Random random_;
  Instant now_{1s};
  std::vector<MemberView> members_;
  std::vector<MemberView> seen_;
  std::vector<Node> nodes_;
  std::vector<Packet> packets_;
  std::vector<RevokeFinished> finished_;
  std::uint64_t revokes_ = 0;
  std::size_t sent_ = 0;
};

TEST(Access, WhoHasNothingSaysNothing) {
  Nodes nodes{5};
  nodes.run(10s);
  EXPECT_EQ(nodes.sent(), 0u);
  EXPECT_EQ(nodes.at(0).deadline(), std::nullopt);
}

TEST(Access, ARevocationIsEverywhereWithinTwoSecondsThoughATenthIsLost) {
  for (unsigned const count : {2u, 3u, 5u, 50u, 300u}) {
    Nodes nodes{count, count};
    nodes.loss = 0.1;
    nodes.revoke(0, revocation(7));
    auto const taken = nodes.run_until([&] { return nodes.all_know(7); }, 2s);
    EXPECT_TRUE(taken.has_value()) << count;
  }
}

TEST(Access, ItIsAnsweredOnceItIsOnTheDisk) {
  Nodes nodes{3};
  nodes.revoke(0, revocation(7));
  EXPECT_TRUE(nodes.knows(0, 7));
  EXPECT_TRUE(nodes.finished().empty());
  nodes.run(50ms);
  ASSERT_EQ(nodes.finished().size(), 1u);
  EXPECT_TRUE(nodes.finished()[0].outcome.has_value());
  nodes.crash(0);
  nodes.start(0);
  EXPECT_TRUE(nodes.knows(0, 7));
}

TEST(Access, ManyAtOnceAreAnsweredEach) {
  Nodes nodes{3};
  for (std::uint64_t id = 0; id < 500; ++id) nodes.revoke(id % 3, revocation(id));
  nodes.run(10s);
  EXPECT_EQ(nodes.finished().size(), 500u);
  for (std::uint64_t id = 0; id < 500; ++id) EXPECT_TRUE(nodes.all_know(id)) << id;
  EXPECT_LE(nodes.largest_datagram, datagram_bytes_max);
}

TEST(Access, WhoWasCutOffLearnsItByComparison) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Nodes nodes{6, seed};
    nodes.cut = [](unsigned from, unsigned to) { return (from < 3) != (to < 3); };
    nodes.revoke(0, revocation(1));
    nodes.revoke(5, revocation(2));
    nodes.run(20s);
    EXPECT_FALSE(nodes.knows(5, 1));
    nodes.cut = [](unsigned, unsigned) { return false; };
    EXPECT_TRUE(
        nodes.run_until([&] { return nodes.all_know(1) && nodes.all_know(2); }, 4s).has_value())
        << seed;
  }
}

TEST(Access, WhoWasAwayLearnsItWhenItMeetsOthers) {
  Nodes nodes{3};
  nodes.crash(2);
  nodes.revoke(0, revocation(7));
  nodes.run(10s);
  nodes.start(2);
  nodes.meet(0, 2);
  EXPECT_TRUE(nodes.run_until([&] { return nodes.knows(2, 7); }, 50ms).has_value());
}

TEST(Access, NothingComesBackThatASyncedNodeKnew) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random{seed};
    Nodes nodes{5, seed};
    nodes.loss = 0.2;
    nodes.revoke(static_cast<unsigned>(random.below(5)), revocation(7));
    nodes.run(3s);
    ASSERT_TRUE(nodes.all_know(7));
    for (int turn = 0; turn < 30; ++turn) {
      auto const one = static_cast<unsigned>(random.below(5));
      nodes.crash(one);
      nodes.run(std::chrono::milliseconds{random.below(300)});
      nodes.start(one);
      EXPECT_TRUE(nodes.knows(one, 7)) << seed;
    }
  }
}

TEST(Access, CountsOfSeveralNodesAddUp) {
  Nodes nodes{4};
  nodes.use(0, 9, 1);
  nodes.use(1, 9, 1);
  nodes.use(0, 9, 2);
  nodes.run(2s);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(nodes.at(i).state()->uses(9), 3u) << i;
}

TEST(Access, OldNodesAreNotToldWhatTheyCannotRead) {
  Nodes nodes{4};
  nodes.set_versions(2, {.lowest = 1, .current = 2, .highest = 2});
  nodes.revoke(0, revocation(7));
  nodes.run(5s);  // every message is compared with what its receiver can read
  EXPECT_TRUE(nodes.knows(1, 7) && nodes.knows(3, 7));
  EXPECT_FALSE(nodes.knows(2, 7));
}

TEST(Access, TheDeadAreNotTold) {
  Nodes nodes{3};
  nodes.set_state(1, MemberState::dead);
  nodes.set_state(2, MemberState::left);
  nodes.revoke(0, revocation(7));
  nodes.run(5s);
  EXPECT_EQ(nodes.sent(), 0u);
}

TEST(Access, WhatIsTooMuchIsRefusedAndWhatWasThereStays) {
  Nodes nodes{1};
  for (std::uint64_t id = 0; id < AccessState::revoked_max; ++id) {
    nodes.revoke(0, revocation(id));
    if (id % 500 == 499) nodes.run(100ms);
  }
  nodes.run(1s);
  std::size_t const before = nodes.finished().size();
  EXPECT_EQ(before, AccessState::revoked_max);
  nodes.revoke(0, revocation(1'000'000));
  ASSERT_EQ(nodes.finished().size(), before + 1);
  ASSERT_FALSE(nodes.finished().back().outcome.has_value());
  EXPECT_EQ(nodes.finished().back().outcome.error().fault, Fault::busy);
  EXPECT_FALSE(nodes.knows(0, 1'000'000));
  EXPECT_TRUE(nodes.knows(0, 0));
  // What is known already can be said again.
  nodes.revoke(0, revocation(5));
  nodes.run(1s);
  EXPECT_TRUE(nodes.finished().back().outcome.has_value());
}

TEST(Access, WhatWouldBeRememberedForTooLongIsRefused) {
  Nodes nodes{1};
  nodes.revoke(0, revocation(7, std::chrono::hours{24 * 400}));
  ASSERT_EQ(nodes.finished().size(), 1u);
  EXPECT_FALSE(nodes.finished()[0].outcome.has_value());
}

TEST(Access, AFailedDiskSaysSoAndTheOthersAreToldAllTheSame) {
  Nodes nodes{3};
  nodes.disk_fails = true;
  nodes.revoke(0, revocation(7));
  Effects out;
  nodes.at(0).fence(out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(std::get<RevokeFinished>(out[0]).outcome.has_value());
  nodes.revoke(0, revocation(8));
  ASSERT_EQ(nodes.finished().size(), 1u);
  EXPECT_FALSE(nodes.finished()[0].outcome.has_value());
  nodes.run(2s);
  EXPECT_TRUE(nodes.all_know(7) && nodes.all_know(8));
}

TEST(Access, WhatIsOverIsForgottenADayLater) {
  Nodes nodes{2};
  nodes.revoke(0, revocation(7, std::chrono::hours{1}));
  nodes.run(2s);
  for (unsigned i = 0; i < 2; ++i) nodes.at(i).set_wall(wall + 24h);
  EXPECT_TRUE(nodes.all_know(7));
  nodes.at(0).set_wall(wall + 26h);
  EXPECT_FALSE(nodes.knows(0, 7));
  // The other one, whose clock is behind, does not bring it back.
  nodes.run(3s);
  EXPECT_FALSE(nodes.knows(0, 7));
  EXPECT_TRUE(nodes.knows(1, 7));
}

}  // namespace
}  // namespace chisme::cluster
