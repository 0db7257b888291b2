#include "cluster/load/load_probes.hpp"

#include <gtest/gtest.h>

#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using testing::node;
constexpr Instant probed_at{1000s};

// Node 1 is this one; all samples are three seconds old.
ClusterView view_of(std::uint64_t count) {
  ClusterView view;
  view.self = node(1);
  view.at = probed_at;
  for (std::uint64_t i = 1; i <= count; ++i) {
    MemberView member;
    member.alive.id = node(i);
    member.alive.peer.port = static_cast<std::uint16_t>(i);
    member.self = i == 1;
    member.load.emplace();
    member.sampled = probed_at - 3s;
    view.members.push_back(member);
  }
  return view;
}

std::vector<NodeId> nodes(std::uint64_t first, std::uint64_t last) {
  std::vector<NodeId> result;
  for (std::uint64_t i = first; i <= last; ++i) result.push_back(node(i));
  return result;
}

std::vector<NodeId> asked(Effects const& effects) {
  std::vector<NodeId> result;
  for (Effect const& effect : effects) {
    Send const& send = std::get<Send>(effect);
    EXPECT_EQ(send.channel, Channel::datagram);
    EXPECT_TRUE(std::holds_alternative<LoadProbe>(send.message));
    result.push_back(node(send.to.port));
  }
  return result;
}

std::vector<NodeId> want(LoadProbes& probes, ClusterView const& view, std::vector<NodeId> which,
                         Instant at) {
  Effects effects;
  probes.want(which, view.members, at, effects);
  return asked(effects);
}

TEST(LoadProbes, AskEachOldHolderThatIsWantedOncePerSecond) {
  ClusterView const view = view_of(1000);
  LoadProbes probes;
  EXPECT_EQ(want(probes, view, nodes(1, 4), probed_at), nodes(2, 4));
  EXPECT_TRUE(want(probes, view, nodes(1, 4), probed_at + 999ms).empty());
  EXPECT_EQ(want(probes, view, nodes(1, 5), probed_at + 999ms), nodes(5, 5));
  EXPECT_EQ(want(probes, view, nodes(1, 5), probed_at + 1s), nodes(2, 4));
}

TEST(LoadProbes, LeaveAloneWhatIsYoungUnknownOrNotAlive) {
  ClusterView view = view_of(6);
  view.members[1].sampled = probed_at - 2s;
  view.members[2].state = MemberState::dead;
  view.members[3].state = MemberState::suspect;
  view.members[4].sampled = probed_at - 1s;
  view.members[4].load->age_ms = 1001;  // it was that old when it came
  view.members[5].load.reset();         // never heard of, though it is here for long
  LoadProbes probes;
  EXPECT_EQ(want(probes, view, nodes(1, 9), probed_at), nodes(5, 6));
}

TEST(LoadProbes, AreBoundedHoweverMuchIsWanted) {
  ClusterView const view = view_of(1000);
  LoadProbes probes;
  EXPECT_EQ(want(probes, view, nodes(2, 1000), probed_at).size(), LoadProbes::wanted_max);
  EXPECT_TRUE(want(probes, view, nodes(500, 600), probed_at + 500ms).empty());
  EXPECT_EQ(want(probes, view, nodes(500, 600), probed_at + 1s).size(), LoadProbes::wanted_max);
}

TEST(LoadProbes, KeepASmallClusterYoungInTurnAndALargeOneNot) {
  LoadProbes probes;
  Effects effects;
  probes.ask(view_of(9).members, probed_at, effects);
  EXPECT_EQ(asked(effects), nodes(2, 4));
  effects.clear();
  probes.ask(view_of(9).members, probed_at + 1s, effects);
  EXPECT_EQ(asked(effects), nodes(5, 7));
  effects.clear();
  LoadProbes{}.ask(view_of(LoadProbes::small + 1).members, probed_at, effects);
  EXPECT_TRUE(effects.empty());
}

TEST(WantedLoads, NameEachOldHolderOncePerSecondWhateverTheRushOfClients) {
  ClusterView const view = view_of(1000);
  WantedLoads wanted;
  EXPECT_EQ(wanted.take(view, nodes(1, 3), probed_at), nodes(2, 3));
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(wanted.take(view, nodes(1, 3), probed_at + 500ms).empty());
  EXPECT_EQ(wanted.take(view, nodes(2, 900), probed_at + 500ms).size(), LoadProbes::wanted_max - 2);
  EXPECT_EQ(wanted.take(view, nodes(1, 3), probed_at + 1s), nodes(2, 3));
}

}  // namespace
}  // namespace chisme::cluster
