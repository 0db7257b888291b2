#include "cluster/membership/peer_calls.hpp"

#include <gtest/gtest.h>

#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

AliveRecord alive(std::size_t node) {
  AliveRecord record;
  record.id = Network::id_of(node);
  record.epoch = Epoch{1};
  record.peer = Network::endpoint_of(node);
  return record;
}

// How many of `living` nodes call a dead one within one period.
std::size_t callers(std::size_t living) {
  Profile const profile = loopback_profile();
  std::size_t calls = 0;
  for (std::size_t node = 0; node < living; ++node) {
    MemberTable table;
    for (std::size_t other = 0; other <= living; ++other) table.apply(alive(other), {});
    table.apply(DeadRecord{Network::id_of(living), Epoch{1}, {}, Network::id_of(0)}, {});
    PeerCalls peers{profile, Network::id_of(node), Network::endpoint_of(node),
                    {},      Random{node},         Instant{}};
    std::vector<PeerCalls::Call> out;
    peers.tick(Instant{}, table, out);
    for (PeerCalls::Call const& call : out) {
      calls += call.endpoint == Network::endpoint_of(living);
    }
  }
  return calls;
}

TEST(PeerCalls, ADeadNodeIsCalledByAllOfAFewAndByAFewOfMany) {
  EXPECT_EQ(callers(4), 4u);
  EXPECT_EQ(callers(8), 8u);
  EXPECT_GE(callers(200), 2u);
  EXPECT_LE(callers(200), 20u);
}

TEST(PeerCalls, StrangersAreCalledOnceASecondEachAndFewOfThemAtOnce) {
  PeerCalls peers{
      loopback_profile(), Network::id_of(0), Network::endpoint_of(0), {}, Random{1}, {}};
  std::size_t called = 0;
  for (std::size_t node = 1; node < 100; ++node) {
    called += peers.may_call(Network::endpoint_of(node), Instant{});
  }
  EXPECT_EQ(called, PeerCalls::strangers_max);
  EXPECT_FALSE(peers.may_call(Network::endpoint_of(1), Instant{999ms}));
  EXPECT_TRUE(peers.may_call(Network::endpoint_of(1), Instant{1s}));
}

}  // namespace
}  // namespace chisme::cluster::testing
