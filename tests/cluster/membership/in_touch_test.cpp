#include <gtest/gtest.h>

#include "cluster/membership/swim.hpp"
#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

Swim lone_node(std::vector<Endpoint> const& seeds, std::vector<KnownPeer> const& remembered) {
  Self self;
  self.id = Network::id_of(0);
  self.epoch = Epoch{2};
  self.peer = Network::endpoint_of(0);
  return {loopback_profile(), self, seeds, Random{1}, Instant{}, spoken_versions, remembered};
}

void meet(Swim& swim, std::size_t node, Endpoint const& at) {
  PushPull call;
  call.self.id = Network::id_of(node);
  call.self.epoch = Epoch{2};
  call.self.peer = at;
  Effects out;
  std::vector<Record> carried;
  swim.handle({call.self.id, Epoch{2}, at, call}, Channel::stream, Instant{1s}, out, carried);
}

TEST(InTouch, AMinorityKnowsThatItIsOutOfTouch) {
  Network network{13};
  network.grow(5);
  for (std::size_t a = 0; a < 2; ++a) {
    for (std::size_t b = 2; b < 5; ++b) {
      network.cut(a, b);
      network.cut(b, a);
    }
  }
  network.run(10s);
  EXPECT_FALSE(network.at(0).in_touch());
  EXPECT_TRUE(network.at(3).in_touch());
}

TEST(InTouch, AfterARestartOfAllRememberedPeersAreMissedUntilTheyAreMet) {
  Network network{20};
  network.grow(5);
  network.run(5s);
  for (std::size_t i = 0; i < 5; ++i) network.crash(i);
  network.restart(0);
  network.restart(1);
  network.run(1min);
  EXPECT_EQ(network.at(0).members().size(), 2u);
  EXPECT_FALSE(network.at(0).in_touch());
  EXPECT_EQ(network.at(0).missed(), 3u);
  network.restart(2);
  EXPECT_TRUE(network.run_until([&] { return network.at(0).in_touch(); }, 20s).has_value());
  EXPECT_EQ(network.at(0).missed(), 2u);
}

TEST(InTouch, PeersThatComeBackAtOtherAddressesAreNotMissedForEver) {
  Swim swim = lone_node({}, {{Network::id_of(1), Network::endpoint_of(1)},
                             {Network::id_of(2), Network::endpoint_of(2)}});
  EXPECT_FALSE(swim.in_touch());
  for (std::size_t const node : {1u, 2u}) meet(swim, node, Network::endpoint_of(node + 10));
  EXPECT_TRUE(swim.in_touch());
}

// Nodes that lost their disks may be two clusters that have never met: neither may take itself for
// all there is.
TEST(InTouch, ANodeWithoutMemoryMissesThePeersThatItWasConfiguredWith) {
  std::vector<Endpoint> seeds;
  for (std::size_t node = 0; node < 5; ++node) seeds.push_back(Network::endpoint_of(node));
  Swim swim = lone_node(seeds, {});
  EXPECT_EQ(swim.missed(), 4u);
  meet(swim, 1, Network::endpoint_of(1));
  EXPECT_EQ(swim.missed(), 3u);
  EXPECT_FALSE(swim.in_touch());
  meet(swim, 2, Network::endpoint_of(2));
  EXPECT_EQ(swim.missed(), 2u);
  EXPECT_TRUE(swim.in_touch());
}

// It may have been started before its peers have addresses: then it is no cluster of its own.
TEST(InTouch, WhoExpectsPeersThatAreNotFoundYetIsOutOfTouchUntilOneIsMet) {
  Swim swim = lone_node({}, {});
  EXPECT_TRUE(swim.in_touch());
  EXPECT_FALSE(swim.ever_had_peers());
  swim.expect_peers();
  EXPECT_FALSE(swim.in_touch());
  EXPECT_TRUE(swim.ever_had_peers());
  meet(swim, 1, Network::endpoint_of(1));
  EXPECT_TRUE(swim.in_touch());
}

}  // namespace
}  // namespace chisme::cluster::testing
