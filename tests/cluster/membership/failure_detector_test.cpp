#include "cluster/membership/failure_detector.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

// One node's detector in a cluster of six, of which the test says what they answer.
struct Detector : ::testing::Test {
  Detector() {
    for (std::size_t i = 0; i < 6; ++i) {
      AliveRecord alive;
      alive.id = Network::id_of(i);
      alive.peer = Network::endpoint_of(i);
      members.apply(alive, now);
    }
  }
  void tick_at(Instant at) {
    now = at;
    detector.tick(now, members, out, failed);
  }
  // Pings the next member, with no other probe under way, and returns the ping.
  Send probe() {
    detector.forgive(now);
    out.clear();
    while (sent<Ping>().empty()) tick_at(detector.deadline());
    EXPECT_EQ(sent<Ping>().size(), 1u);
    return sent<Ping>().front();
  }
  template <class Kind>
  std::vector<Send> sent() const {
    std::vector<Send> found;
    for (Effect const& effect : out) {
      auto const* const send = std::get_if<Send>(&effect);
      if (send != nullptr && std::holds_alternative<Kind>(send->message)) found.push_back(*send);
    }
    return found;
  }
  static std::uint64_t number_of(Send const& ping) { return std::get<Ping>(ping.message).sequence; }
  Envelope from(Endpoint const& peer, Message message = Ping{}) const {
    auto const node = static_cast<std::size_t>(peer.port - Network::endpoint_of(0).port);
    return {Network::id_of(node), Epoch{1}, peer, std::move(message)};
  }
  void acknowledge(Send const& ping) {
    detector.handle(Ack{.sequence = number_of(ping), .load = {}, .piggyback = {}}, from(ping.to),
                    now, out);
  }
  // A probe that nobody answers, and of which `nacks` helpers say so.
  void fail(std::size_t nacks) {
    Send const ping = probe();
    Duration const times{detector.local_health() + 1};
    Instant const begun = now;
    out.clear();
    tick_at(begun + profile.probe_timeout * times.count());
    std::vector<Send> const helpers = sent<PingReq>();
    ASSERT_EQ(helpers.size(), 3u);
    for (std::size_t i = 0; i < nacks; ++i) {
      detector.handle(Nack{number_of(ping)}, from(helpers[i].to));
    }
    failed.clear();
    tick_at(begun + profile.probe_period * times.count());
    EXPECT_EQ(failed, std::vector<NodeId>{std::get<Ping>(ping.message).target});
  }
  void worsen_to(std::uint8_t health) {
    while (detector.local_health() < health) detector.worsen();
  }

  Profile profile = lan_profile();
  Instant now{};
  MemberTable members;
  FailureDetector detector{profile, Network::id_of(0), Random{1}, now};
  Effects out;
  std::vector<NodeId> failed;
};

TEST_F(Detector, AsksThreeOthersAndTheStreamAtOnceAndThenGivesUp) {
  Send const ping = probe();
  EXPECT_EQ(ping.channel, Channel::datagram);
  Instant const begun = now;
  out.clear();
  tick_at(begun + profile.probe_timeout - 1us);
  EXPECT_TRUE(out.empty());
  tick_at(begun + profile.probe_timeout);
  ASSERT_EQ(sent<Ping>().size(), 1u) << "in the same tick";
  EXPECT_EQ(sent<Ping>()[0].channel, Channel::stream);
  EXPECT_EQ(sent<Ping>()[0].to, ping.to);
  EXPECT_EQ(number_of(sent<Ping>()[0]), number_of(ping));
  std::set<Endpoint> helpers;
  for (Send const& send : sent<PingReq>()) {
    EXPECT_EQ(send.channel, Channel::datagram);
    EXPECT_EQ(std::get<PingReq>(send.message).target_endpoint, ping.to);
    helpers.insert(send.to);
  }
  EXPECT_EQ(helpers.size(), 3u);
  EXPECT_FALSE(helpers.contains(ping.to));
  EXPECT_FALSE(helpers.contains(Network::endpoint_of(0)));
  tick_at(begun + profile.probe_period - 1us);
  EXPECT_TRUE(failed.empty());
  tick_at(begun + profile.probe_period);
  EXPECT_EQ(failed, std::vector<NodeId>{std::get<Ping>(ping.message).target});
}

TEST_F(Detector, AnAnswerByStreamOrThroughAHelperSavesTheTarget) {
  for (bool const by_helper : {false, true}) {
    Send const ping = probe();
    Instant const begun = now;
    tick_at(begun + profile.probe_timeout);
    Endpoint const answers = by_helper ? sent<PingReq>().front().to : ping.to;
    detector.handle(Ack{.sequence = number_of(ping), .load = {}, .piggyback = {}}, from(answers),
                    now, out);
    tick_at(begun + profile.probe_period);
    EXPECT_TRUE(failed.empty());
  }
}

TEST_F(Detector, AFailureIsThisNodesOwnFaultWhenAHelperIsSilentToo) {
  fail(3);
  EXPECT_EQ(detector.local_health(), 0) << "all helpers say that they hear nothing either";
  fail(2);
  EXPECT_EQ(detector.local_health(), 1);
  fail(0);
  EXPECT_EQ(detector.local_health(), 2) << "one more, however many are silent";
  fail(3);
  EXPECT_EQ(detector.local_health(), 2);
}

TEST_F(Detector, AGoodProbeMakesUpForOneFailure) {
  worsen_to(2);
  acknowledge(probe());
  EXPECT_EQ(detector.local_health(), 1);
  acknowledge(probe());
  EXPECT_EQ(detector.local_health(), 0);
  acknowledge(probe());
  EXPECT_EQ(detector.local_health(), 0);
}

TEST_F(Detector, LocalHealthGoesNoFurtherThanSeven) {
  for (int i = 0; i < 20; ++i) detector.worsen();
  EXPECT_EQ(detector.local_health(), 7);
  fail(0);
  EXPECT_EQ(detector.local_health(), 7);
}

TEST_F(Detector, PeriodsAndTimeoutsGrowWithLocalHealth) {
  for (std::uint8_t const health : {std::uint8_t{1}, std::uint8_t{4}, std::uint8_t{7}}) {
    worsen_to(health);
    probe();
    Instant const begun = now;
    out.clear();
    Instant asked{};
    Instant next{};
    while (next == Instant{}) {
      tick_at(detector.deadline());
      if (asked == Instant{} && !sent<PingReq>().empty()) asked = now;
      bool const begins = std::ranges::any_of(
          sent<Ping>(), [](Send const& ping) { return ping.channel == Channel::datagram; });
      if (begins) next = now;
    }
    EXPECT_EQ(asked - begun, profile.probe_timeout * (health + 1));
    EXPECT_EQ(next - begun, profile.probe_period * (health + 1));
  }
}

TEST_F(Detector, AHelperSaysNackAtEightyPercentOfItsTimeoutWhichGrowsWithItsHealth) {
  for (std::uint8_t const health : {std::uint8_t{0}, std::uint8_t{3}}) {
    worsen_to(health);
    out.clear();
    Endpoint const asker = Network::endpoint_of(1);
    PingReq const request{77, Network::id_of(2), Network::endpoint_of(2)};
    detector.handle(request, from(asker), now, members, out);
    ASSERT_EQ(sent<Ping>().size(), 1u);
    Instant const asked = now;
    while (sent<Nack>().empty()) tick_at(detector.deadline());
    EXPECT_EQ(now - asked, profile.probe_timeout * (health + 1) * 4 / 5);
    EXPECT_EQ(sent<Nack>()[0].to, asker);
    EXPECT_EQ(std::get<Nack>(sent<Nack>()[0].message).sequence, 77u);
  }
}

TEST(LocalHealth, RefutingAnAccusationRaisesIt) {
  Network network{12};
  network.grow(3);
  ASSERT_EQ(network.at(0).local_health(), 0);
  SuspectRecord const accusation{Network::id_of(0), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  Envelope const envelope{Network::id_of(1), Epoch{1}, Network::endpoint_of(1),
                          Gossip{0, {accusation}}};
  network.deliver(0, envelope, Channel::datagram);
  EXPECT_EQ(network.at(0).local_health(), 1);
  // It is refuted by now: whoever repeats it has missed that.
  network.deliver(0, envelope, Channel::datagram);
  EXPECT_EQ(network.at(0).local_health(), 1);
}

}  // namespace
}  // namespace chisme::cluster::testing
