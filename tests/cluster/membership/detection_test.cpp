#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

TEST(Detection, FiveNodesWithOneSeedFindEachOther) {
  Network network{1};
  for (int i = 0; i < 5; ++i) network.add();
  auto const took = network.run_until([&] { return network.all_see_all_alive(); }, 10s);
  ASSERT_TRUE(took.has_value());
  EXPECT_LE(*took, 3s);
  EXPECT_EQ(network.at(3).members().size(), 5u);
}

TEST(Detection, AJoinerCallsItsSeedsUntilOneOfThemIsThere) {
  Network network{2};
  std::vector<Endpoint> const seeds{Network::endpoint_of(7), Network::endpoint_of(1)};
  network.add(seeds);
  network.run(2min);
  EXPECT_FALSE(network.at(0).in_touch());
  EXPECT_TRUE(network.at(0).ever_had_peers());
  network.add({});
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 6s).has_value());
  EXPECT_TRUE(network.at(0).in_touch());
}

TEST(Detection, ANodeWithoutSeedsIsInTouchWithItselfAndNeverHadPeers) {
  Network network{3};
  network.add({});
  network.run(1min);
  EXPECT_TRUE(network.at(0).in_touch());
  EXPECT_FALSE(network.at(0).ever_had_peers());
}

TEST(Detection, AKilledNodeOfFiveIsDeadForAllWithinTwoSeconds) {
  std::vector<Duration> first;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Network network{seed};
    network.grow(5);
    network.run(std::chrono::milliseconds{seed * 37});
    std::size_t const before = network.deaths();
    network.crash(2);
    auto const declared = network.run_until([&] { return network.deaths() > before; }, 6s);
    ASSERT_TRUE(declared.has_value()) << seed;
    first.push_back(*declared);
    auto const rest = network.run_until([&] { return network.all_see(2, MemberState::dead); }, 2s);
    ASSERT_TRUE(rest.has_value()) << seed;
    EXPECT_LE(*declared + *rest, 2s) << seed;
    EXPECT_TRUE(network.at(0).in_touch());
  }
  std::sort(first.begin(), first.end());
  RecordProperty("first_declared_p50_s", std::to_string(seconds(first[first.size() / 2])));
  RecordProperty("first_declared_max_s", std::to_string(seconds(first.back())));
  printf("first declared dead: p50 %.2f s, max %.2f s\n", seconds(first[first.size() / 2]),
         seconds(first.back()));
  EXPECT_LE(first[first.size() / 2], 1300ms);
}

TEST(Detection, NobodyIsFalselyDeclaredDeadAtFivePercentLoss) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Network network{seed};
    network.grow(5);
    network.lose(0.05);
    network.run(2min);
    EXPECT_EQ(network.deaths(), 0u) << seed;
  }
}

TEST(Detection, StreamsKeepThirtyPercentLossHarmless) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Network network{seed};
    network.grow(5);
    network.lose(0.3);
    network.run(2min);
    EXPECT_EQ(network.deaths(), 0u) << seed;
  }
}

TEST(Detection, ANodeWithoutDatagramsIsKeptAliveByStreams) {
  Network network{5};
  network.grow(5);
  for (std::size_t i = 0; i < 4; ++i) {
    network.cut(4, i, true);
    network.cut(i, 4, true);
  }
  network.run(1min);
  EXPECT_EQ(network.deaths(), 0u);
}

TEST(Detection, AOneWayCutBetweenTwoIsBridgedByHelpers) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Network network{seed};
    network.grow(5);
    network.cut(0, 1);
    network.run(1min);
    EXPECT_EQ(network.deaths(), 0u) << seed;
  }
}

TEST(Detection, APausedNodeAccusesNobodyWhenItWakes) {
  Network network{6};
  network.grow(5);
  network.pause(3);
  network.run(900ms);
  network.resume(3);
  network.run(30s);
  EXPECT_EQ(network.deaths(), 0u);
  network.pause(3);
  network.run(20s);
  EXPECT_TRUE(network.all_see(3, MemberState::dead));
  network.resume(3);
  auto const back = network.run_until([&] { return network.all_see_all_alive(); }, 20s);
  EXPECT_TRUE(back.has_value());
  for (auto const& [observer, change] : network.announced) {
    EXPECT_FALSE(observer == 3 && change.state == MemberState::dead);
  }
}

TEST(Detection, TimeSpentPausedCountsForNoSuspicionAndNoProbe) {
  Network network{16};
  network.grow(5);
  SuspectRecord const suspicion{Network::id_of(2), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  network.deliver(0, {Network::id_of(1), Epoch{1}, Network::endpoint_of(1), Gossip{0, {suspicion}}},
                  Channel::datagram);
  ASSERT_EQ(network.seen(0, 2), MemberState::suspect);
  Effects effects;
  network.at(0).tick(network.now() + 1min, effects);
  EXPECT_EQ(network.seen(0, 2), MemberState::suspect);
  EXPECT_EQ(network.seen(0, 3), MemberState::alive);
}

TEST(Detection, APauseCountsForThoseSuspectedBeforeItAndGivesNoMoreToThoseSuspectedAfterIt) {
  Suspicions suspicions{loopback_profile()};
  suspicions.accuse(NodeId{0, 1}, NodeId{0, 9}, 5, Instant{} + 1s);
  Instant const wakes = Instant{} + 31s;  // stopped at 2 s
  suspicions.accuse(NodeId{0, 2}, NodeId{0, 9}, 5, wakes);
  suspicions.postpone(29s, wakes);
  EXPECT_EQ(suspicions.expire(wakes + 3800ms), std::vector<NodeId>{(NodeId{0, 1})});
  EXPECT_EQ(suspicions.expire(wakes + 4800ms), std::vector<NodeId>{(NodeId{0, 2})});
}

TEST(Detection, LocalHealthRisesWithAPauseAndFallsWithGoodProbes) {
  Network network{7};
  network.grow(5);
  EXPECT_EQ(network.at(3).local_health(), 0);
  network.pause(3);
  network.run(500ms);
  network.resume(3);
  network.run(5ms);
  EXPECT_GT(network.at(3).local_health(), 0);
  network.run(10s);
  EXPECT_EQ(network.at(3).local_health(), 0);
}

TEST(Detection, DatagramsStayWithinTheirBoundWithManyMembersAndRecords) {
  Network network{8};
  network.grow(30);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    PutRecord put;
    put.name = std::string(i % 1024, 'n');
    CatalogueRecord const record{{Network::id_of(0), Epoch{1}, i + 1}, put};
    network.at(0).tell(record, network.now());
  }
  network.run(5s);
  EXPECT_LE(network.longest_datagram, datagram_bytes_max);
  EXPECT_GT(network.longest_datagram, datagram_bytes_max / 2);
  EXPECT_GT(network.carried[1].size(), 0u);
}

TEST(Detection, AHundredNodesAgreeOnADeathAndSpreadItWithinASecond) {
  Network network{11, lan_profile()};
  network.grow(100);
  network.run(5s);
  EXPECT_EQ(network.deaths(), 0u);
  network.crash(50);
  auto const first = network.run_until([&] { return network.deaths() > 0; }, 12s);
  ASSERT_TRUE(first.has_value());
  EXPECT_LE(*first, 7s);
  auto const rest = network.run_until([&] { return network.all_see(50, MemberState::dead); }, 5s);
  ASSERT_TRUE(rest.has_value());
  EXPECT_LE(*rest, 1500ms);
  EXPECT_LE(network.longest_datagram, datagram_bytes_max);
  printf("100 nodes: first %.2f s, all %.2f s later\n", seconds(*first), seconds(*rest));
}

TEST(Detection, IdleTrafficStaysSmall) {
  Network network{9};
  network.grow(5);
  network.run(10s);
  network.datagram_bytes = 0;
  network.run(20s);
  double const per_node = static_cast<double>(network.datagram_bytes) / 20 / 5;
  printf("idle: %.0f bytes of datagrams per second and node\n", per_node);
  EXPECT_LE(per_node, 2000);
}

TEST(Detection, TheSameSeedGivesTheSameRun) {
  auto const play = [] {
    Network network{10};
    network.grow(5);
    network.lose(0.2);
    network.crash(1);
    network.run(10s);
    return std::pair{network.datagrams, network.datagram_bytes};
  };
  EXPECT_EQ(play(), play());
}

}  // namespace
}  // namespace chisme::cluster::testing
