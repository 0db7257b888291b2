#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cluster/membership/network.hpp"

// Nodes of different protocol versions side by side.
namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

constexpr ProtocolVersions old_one{1, 1, 1};
constexpr ProtocolVersions both{1, 2, 2};
constexpr ProtocolVersions new_one{2, 2, 2};

std::vector<Endpoint> seeds() {
  return {Network::endpoint_of(0)};
}

bool refuses(Network const& network, std::size_t observer, std::size_t node) {
  return std::any_of(network.refused.begin(), network.refused.end(), [&](auto const& entry) {
    return entry.first == observer && entry.second.node == Network::id_of(node);
  });
}

TEST(Versions, OldAndNewNodesThatHaveOneInCommonAreOneCluster) {
  Network network{1};
  for (std::size_t i = 0; i < 6; ++i) network.add(seeds(), i % 2 == 0 ? old_one : both);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
  EXPECT_EQ(network.at(0).members().at(Network::id_of(1)).alive.versions, both);
  EXPECT_EQ(network.at(1).members().at(Network::id_of(0)).alive.versions, old_one);
  network.run(30s);
  EXPECT_EQ(network.deaths(), 0u);
  EXPECT_TRUE(network.refused.empty());
}

// Else what gossip missed would wait until somebody calls the old one.
TEST(Versions, AnOldNodeTellsItsTableToThoseWhoWouldCompare) {
  Network network{3};
  for (std::size_t i = 0; i < 4; ++i) network.add(seeds(), i == 0 ? old_one : spoken_versions);
  network.run(10s);
  ASSERT_TRUE(network.all_see_all_alive());
  std::size_t tables = 0;
  network.on_send = [&](std::size_t from, Message const& message) {
    if (from != 0) return;
    EXPECT_FALSE(std::holds_alternative<MembersDigest>(message));
    auto const* push = std::get_if<PushPull>(&message);
    tables += push != nullptr && push->wants_reply ? 1 : 0;
  };
  network.run(2 * push_pull_period(loopback_profile(), 4));
  EXPECT_GE(tables, 1u);
}

TEST(Versions, AMembersVersionsSayWhichKindsItUnderstands) {
  AliveRecord old;
  old.versions = old_one;
  AliveRecord modern;
  modern.versions = both;
  EXPECT_TRUE(understands<Ping>(old));
  EXPECT_FALSE(understands<VerifyCopy>(old));
  EXPECT_TRUE(understands<VerifyCopy>(modern));
  EXPECT_FALSE(understands(old, Message{CopyVerified{}}));
  EXPECT_TRUE(understands(modern, Message{CopyVerified{}}));
}

TEST(Versions, AClusterIsUpgradedNodeByNodeAndBack) {
  Network network{2};
  for (std::size_t i = 0; i < 4; ++i) network.add(seeds(), old_one);
  ASSERT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
  // Forward in two steps, so that any two neighbouring steps have a version in common; then back.
  for (ProtocolVersions const& next : {both, new_one, both, old_one}) {
    network.run(10s);  // nobody passes on what the last step made obsolete
    for (std::size_t i = 0; i < 4; ++i) {
      network.crash(i);
      network.set_versions(i, next);
      network.restart(i);
      ASSERT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 20s).has_value());
    }
    network.run(2s);
    EXPECT_EQ(network.at(0).members().at(Network::id_of(3)).alive.versions, next);
  }
  EXPECT_TRUE(network.refused.empty());
  EXPECT_TRUE(network.stopped.empty());
}

TEST(Versions, ANodeWithoutACommonVersionIsRefusedByAllAndBothSidesSaySo) {
  Network network{3};
  for (std::size_t i = 0; i < 3; ++i) network.add(seeds(), old_one);
  ASSERT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
  std::size_t const stranger = network.add(seeds(), new_one);
  network.run(1min);
  EXPECT_TRUE(refuses(network, 0, stranger));
  EXPECT_TRUE(refuses(network, stranger, 0));
  EXPECT_EQ(network.refused.at(0).second.versions,
            network.refused.at(0).first == stranger ? old_one : new_one);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(network.seen(i, stranger).has_value()) << i;
    EXPECT_FALSE(network.seen(stranger, i).has_value()) << i;
    EXPECT_TRUE(network.at(i).in_touch()) << i;
  }
  EXPECT_FALSE(network.at(stranger).in_touch());
  EXPECT_TRUE(network.stopped.empty());
  EXPECT_EQ(network.deaths(), 0u);
  // It calls its seed for ever; that is no reason to announce it for ever.
  std::size_t const said = network.refused.size();
  network.run(5min);
  EXPECT_EQ(network.refused.size(), said);
}

TEST(Versions, AMemberThatComesBackWithoutACommonVersionIsDeadForThoseWhoCannotWorkWithIt) {
  Network network{4};
  network.add(seeds(), old_one);
  network.add(seeds(), both);
  network.add(seeds(), both);
  ASSERT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
  network.crash(2);
  network.set_versions(2, new_one);
  network.restart(2);
  network.run(1min);
  EXPECT_EQ(network.seen(0, 2), MemberState::dead);
  EXPECT_EQ(network.seen(1, 2), MemberState::alive);
  EXPECT_EQ(network.seen(1, 0), MemberState::alive);
  EXPECT_TRUE(refuses(network, 0, 2));
  EXPECT_TRUE(network.stopped.empty());
  // Its death is the opinion of one: it need not be refuted again and again.
  EXPECT_LE(network.at(2).self().incarnation, Incarnation{3});
  network.crash(2);
  network.set_versions(2, both);
  network.restart(2);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 30s).has_value());
}

TEST(Versions, AFrameOfANewerVersionDoesNoHarm) {
  Network network{5};
  network.add(seeds(), old_one);
  network.add(seeds(), both);
  ASSERT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
  network.act(1, [&](Swim&, Effects& out) {
    for (Channel const channel : {Channel::datagram, Channel::stream}) {
      out.push_back(Send{Network::endpoint_of(0), channel, VerifyCopy{}});
    }
  });
  network.run(30s);
  EXPECT_TRUE(network.all_see_all_alive());
  EXPECT_EQ(network.deaths(), 0u);
}

}  // namespace
}  // namespace chisme::cluster::testing
