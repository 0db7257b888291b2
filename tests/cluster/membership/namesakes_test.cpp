#include <gtest/gtest.h>

#include "tests/cluster/membership/network.hpp"

// Two processes with one identity: a data directory that was copied.
namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

// Node `node` gossips this.
Envelope from(std::size_t node, AliveRecord const& news) {
  return {Network::id_of(node), Epoch{1}, Network::endpoint_of(node), Gossip{0, {news}}};
}

TEST(Namesakes, ACloneOfADataDirectoryStopsAsADuplicate) {
  Network network{8};
  network.grow(3);
  std::size_t const copy = network.clone(1);
  network.run(10s);
  ASSERT_TRUE(network.stopped.contains(copy));
  EXPECT_TRUE(network.stopped.at(copy).failed);
  EXPECT_NE(network.stopped.at(copy).reason.find("duplicate identity"), std::string::npos);
}

TEST(Namesakes, OfTwoProcessesInOneEpochOneGoesOnInTheNext) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Network network{seed};
    network.grow(3);
    std::size_t const copy = network.clone(1);
    for (int second = 0; second < 30; ++second) {
      network.run(1s);
      for (std::size_t const node : {std::size_t{1}, copy}) {
        auto const stop = network.stopped.find(node);
        if (stop != network.stopped.end() && stop->second.restart) network.restart(node);
      }
    }
    EXPECT_NE(network.is_up(1), network.is_up(copy)) << seed;
    EXPECT_EQ(network.seen(0, 1), MemberState::alive) << seed;
  }
}

TEST(Namesakes, AnOlderCopyOfTheDiskOfADeadNodeStartsAgainInTheNextEpoch) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Network network{seed};
    network.grow(3);
    network.crash(1);
    ASSERT_TRUE(network.run_until([&] { return network.all_see(1, MemberState::dead); }, 10s));
    std::size_t const copy = network.clone(1);
    ASSERT_TRUE(network.run_until([&] { return network.stopped.contains(copy); }, 10s)) << seed;
    EXPECT_TRUE(network.stopped.at(copy).restart) << seed;
    network.restart(copy);
    network.run(10s);
    EXPECT_TRUE(network.stopped.empty());
    EXPECT_EQ(network.seen(0, copy), MemberState::alive);
  }
}

TEST(Namesakes, WhoRanAtTheAddressOfANodeRunsNoMore) {
  Network network{13};
  network.grow(3);
  AliveRecord other = network.at(1).self();
  other.run_nonce += 1;
  network.deliver(1, from(0, other), Channel::datagram);
  ASSERT_TRUE(network.stopped.contains(1));
  EXPECT_TRUE(network.stopped.at(1).restart);
}

TEST(Namesakes, AnOldProcessStopsWhenItsSuccessorRuns) {
  Network network{9};
  network.grow(3);
  network.pause(1);
  network.run(100ms);
  AliveRecord successor = network.at(1).self();
  successor.epoch = Epoch{2};
  successor.run_nonce += 1;
  successor.peer = Network::endpoint_of(7);
  network.resume(1);
  network.deliver(0, from(2, successor), Channel::datagram);
  network.run(12s);
  ASSERT_TRUE(network.stopped.contains(1));
  EXPECT_TRUE(network.stopped.at(1).failed);
  EXPECT_FALSE(network.stopped.at(1).restart);
}

}  // namespace
}  // namespace chisme::cluster::testing
