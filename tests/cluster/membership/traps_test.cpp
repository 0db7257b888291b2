#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "cluster/wire/codec.hpp"
#include "tests/cluster/membership/network.hpp"

// Mistakes that other membership protocols have made: one test each.
namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

Envelope from(Network const&, std::size_t node, Epoch epoch, Message message) {
  return {Network::id_of(node), epoch, Network::endpoint_of(node), std::move(message)};
}

AliveRecord alive(std::size_t node, std::uint32_t epoch, std::uint32_t incarnation) {
  AliveRecord record;
  record.id = Network::id_of(node);
  record.epoch = Epoch{epoch};
  record.incarnation = Incarnation{incarnation};
  record.peer = Network::endpoint_of(node);
  record.run_nonce = 1000 * epoch + node;
  return record;
}

DeadRecord dead(std::size_t node, std::uint32_t epoch, std::uint32_t incarnation) {
  return {Network::id_of(node), Epoch{epoch}, Incarnation{incarnation}, Network::id_of(99)};
}

std::size_t count_dead_news(Effects const& effects, NodeId about) {
  std::size_t count = 0;
  for (Effect const& effect : effects) {
    auto const* send = std::get_if<Send>(&effect);
    auto const* gossip = send == nullptr ? nullptr : std::get_if<Gossip>(&send->message);
    if (gossip == nullptr) continue;
    for (Record const& record : gossip->records) {
      auto const* news = std::get_if<DeadRecord>(&record);
      if (news != nullptr && news->id == about) ++count;
    }
  }
  return count;
}

// How many records about members it carries.
std::size_t news_in(Message const& message) {
  std::vector<Record> const* records = nullptr;
  if (auto const* const ping = std::get_if<Ping>(&message)) records = &ping->piggyback;
  if (auto const* const ack = std::get_if<Ack>(&message)) records = &ack->piggyback;
  if (auto const* const gossip = std::get_if<Gossip>(&message)) records = &gossip->records;
  if (records == nullptr) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(*records, [](Record const& record) {
    return !std::holds_alternative<LoadRecord>(record) &&
           !std::holds_alternative<CatalogueRecord>(record);
  }));
}

TEST(Traps, AfterAMassRestartEverybodyIsAliveAgainForEverybody) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Network network{seed};
    network.grow(6);
    for (std::size_t i = 0; i < 6; ++i) network.crash(i);
    network.run(1min);
    for (std::size_t i = 0; i < 6; ++i) network.restart(i);
    auto const back = network.run_until([&] { return network.all_see_all_alive(); }, 20s);
    EXPECT_TRUE(back.has_value()) << seed;
  }
}

TEST(Traps, AStaleAliveIsAnsweredWithTheNewsOfDeathSoThatItIsRefuted) {
  Network network{1};
  network.grow(3);
  Instant const now = network.now();
  // Node 0 holds node 1 for dead at a higher incarnation than node 1 has ever had.
  network.deliver(0, from(network, 2, Epoch{1}, Gossip{0, {dead(1, 1, 10)}}), Channel::datagram);
  EXPECT_EQ(network.seen(0, 1), MemberState::dead);
  auto const back = network.run_until([&] { return network.all_see_all_alive(); }, 10s);
  ASSERT_TRUE(back.has_value());
  EXPECT_GT(network.now(), now);
  EXPECT_EQ(network.at(1).self().incarnation, Incarnation{11});
}

TEST(Traps, NewerNewsOfADeathIsStoredSoThatAnOlderAliveCannotRaiseTheDead) {
  MemberTable table;
  using enum MemberTable::Outcome;
  EXPECT_EQ(table.apply(alive(1, 1, 1), {}), changed);
  EXPECT_EQ(table.apply(dead(1, 1, 1), {}), changed);
  EXPECT_EQ(table.apply(dead(1, 1, 10), {}), changed);
  EXPECT_EQ(table.apply(alive(1, 1, 2), {}), unchanged);
  EXPECT_EQ(table.find(Network::id_of(1))->state, MemberState::dead);
  EXPECT_EQ(table.apply(alive(1, 1, 11), {}), changed);
}

TEST(Traps, AnIncarnationThatJumpsTooFarIsRefusedByEverybodyAndByItsOwner) {
  MemberTable table;
  table.apply(alive(1, 1, 1), {});
  std::uint32_t const most = 1 + MemberTable::incarnation_jump_max;
  EXPECT_EQ(table.apply(dead(1, 1, most + 1), {}), MemberTable::Outcome::refused);
  EXPECT_EQ(table.apply(alive(1, 2, most), {}), MemberTable::Outcome::refused);
  EXPECT_EQ(table.apply(alive(2, 1, most + 1), {}), MemberTable::Outcome::refused);
  EXPECT_EQ(table.apply(dead(1, 1, most), {}), MemberTable::Outcome::changed);

  Network network{2};
  network.grow(2);
  std::uint32_t const last = std::numeric_limits<std::uint32_t>::max();
  network.deliver(0, from(network, 1, Epoch{1}, Gossip{0, {dead(0, 1, last)}}), Channel::datagram);
  EXPECT_EQ(network.at(0).self().incarnation, Incarnation{0});
}

TEST(Traps, IncarnationsThatAreUsedUpEndTheNodeInsteadOfWrappingAround) {
  Network network{3};
  network.grow(2);
  std::uint32_t incarnation = 0;
  while (network.stopped.empty()) {
    std::uint64_t const next = std::uint64_t{incarnation} + MemberTable::incarnation_jump_max;
    incarnation = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(next, std::numeric_limits<std::uint32_t>::max()));
    network.deliver(0, from(network, 1, Epoch{1}, Gossip{0, {dead(0, 1, incarnation)}}),
                    Channel::datagram);
    if (network.stopped.empty()) {
      ASSERT_GT(network.at(0).self().incarnation.value(), incarnation);
      incarnation = network.at(0).self().incarnation.value();
    }
  }
  EXPECT_TRUE(network.stopped.at(0).failed);
  // Only a new epoch is above the highest incarnation, and a start brings it.
  EXPECT_TRUE(network.stopped.at(0).restart);
  network.restart(0);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 20s).has_value());
  EXPECT_EQ(network.at(1).members().at(Network::id_of(0)).alive.epoch, Epoch{2});
}

TEST(Traps, NodesThatLeftAreForgottenAfterADayAndNotToldForTheSecondHalf) {
  MemberTable table;
  Instant const begin{};
  table.apply(alive(1, 1, 0), begin);
  table.apply(LeftRecord{Network::id_of(1), Epoch{1}, {}}, begin);
  Member const& left = *table.find(Network::id_of(1));
  EXPECT_TRUE(MemberTable::is_told(left, begin + 11h));
  EXPECT_FALSE(MemberTable::is_told(left, begin + 13h));
  EXPECT_TRUE(table.reap(begin + 23h).empty());
  EXPECT_EQ(table.reap(begin + 24h).size(), 1u);
  EXPECT_EQ(table.find(Network::id_of(1)), nullptr);
}

TEST(Traps, WhoComesAndGoesForWeeksLeavesNoTableThatGrows) {
  MemberTable table;
  Instant now{};
  std::size_t most = 0;
  for (std::size_t i = 0; i < 2000; ++i, now += 15min) {
    table.apply(alive(i, 1, 0), now);
    table.apply(LeftRecord{Network::id_of(i), Epoch{1}, {}}, now);
    table.reap(now);
    most = std::max(most, table.all().size());
  }
  EXPECT_LE(most, 24u * 4 + 1);
  EXPECT_EQ(table.live(), 0u);
}

TEST(Traps, HalvesThatForgotEachOtherStillFindEachOther) {
  Profile slow = loopback_profile();  // weeks pass: few events per day
  slow.probe_period = slow.gossip_period = 10min;
  slow.probe_timeout = 5min;
  slow.push_pull_period = slow.reconnect_period = 2h;
  Network network{14, slow};
  for (std::size_t i = 0; i < 4; ++i) network.add();
  network.run(24h);
  ASSERT_TRUE(network.all_see_all_alive());
  for (std::size_t a : {0u, 1u}) {
    for (std::size_t b : {2u, 3u}) {
      network.cut(a, b);
      network.cut(b, a);
    }
  }
  network.run(14 * 24h);
  ASSERT_FALSE(network.seen(1, 3).has_value());  // dead for so long that it is forgotten
  network.crash(0);                              // the only seed
  network.heal();
  network.run(3 * 24h);
  EXPECT_EQ(network.seen(1, 3), MemberState::alive);
  EXPECT_EQ(network.seen(2, 1), MemberState::alive);
}

TEST(Traps, AFullTableForgetsTheDeadAndNeverTheLiving) {
  MemberTable table;
  for (std::size_t i = 0; i < members_max; ++i) table.apply(alive(i, 1, 0), {});
  EXPECT_EQ(table.apply(alive(members_max, 1, 0), {}), MemberTable::Outcome::refused);
  table.apply(dead(17, 1, 0), {});
  EXPECT_EQ(table.apply(alive(members_max, 1, 0), {}), MemberTable::Outcome::changed);
  EXPECT_EQ(table.find(Network::id_of(17)), nullptr);
  EXPECT_EQ(table.all().size(), members_max);
  EXPECT_EQ(table.live(), members_max);
}

TEST(Traps, AfterAnHourOfIsolationTheHalvesFindEachOther) {
  Network network{4};
  network.grow(6);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 3; b < 6; ++b) {
      network.cut(a, b);
      network.cut(b, a);
    }
  }
  network.run(1h);
  EXPECT_EQ(network.seen(0, 5), MemberState::dead);
  EXPECT_FALSE(network.at(1).in_touch());
  // Nobody's seed is left: only calling the dead brings the halves together.
  network.crash(0);
  network.heal();
  auto const met = [&] {
    for (std::size_t i = 1; i < 6; ++i) {
      if (!network.all_see(i, MemberState::alive)) return false;
    }
    return true;
  };
  EXPECT_TRUE(network.run_until(met, 20s).has_value());
  EXPECT_TRUE(network.at(1).in_touch());
}

TEST(Traps, ANodeThatWasAloneForHoursAndRestartedFindsItsRememberedPeers) {
  Network network{5};
  network.grow(4);
  network.crash(3);
  network.run(1h);
  network.crash(0);  // the only configured seed
  network.restart(3);
  auto const back = network.run_until([&] { return network.all_see_all_alive(); }, 20s);
  EXPECT_TRUE(back.has_value());
}

TEST(Traps, ACrashLoopLeavesOneMemberAndNoQueue) {
  Network network{6};
  network.grow(3);
  for (int crash = 0; crash < 30; ++crash) {
    network.crash(2);
    network.run(crash % 3 == 0 ? 3s : 300ms);
    network.restart(2);
    network.run(1s);
  }
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 20s).has_value());
  network.run(10s);
  for (std::size_t node = 0; node < 3; ++node) {
    EXPECT_EQ(network.at(node).members().size(), 3u);
    for (auto const* table :
         {"records to be gossiped", "suspects", "ends of suspicions", "addresses of the forgotten",
          "peers that are missed", "members that are refused"}) {
      EXPECT_EQ(network.size_of(node, table), 0u) << table << " of node " << node;
    }
  }
}

TEST(Traps, ANodeThatLeftComesBackOnlyWithAHigherEpoch) {
  MemberTable table;
  table.apply(alive(1, 3, 0), {});
  table.apply(LeftRecord{Network::id_of(1), Epoch{3}, {}}, {});
  EXPECT_EQ(table.apply(alive(1, 3, 9), {}), MemberTable::Outcome::unchanged);
  EXPECT_EQ(table.apply(dead(1, 3, 9), {}), MemberTable::Outcome::unchanged);
  EXPECT_EQ(table.apply(alive(1, 4, 0), {}), MemberTable::Outcome::changed);
}

TEST(Traps, AReplacedNodesTombstoneDoesNotCircleForEver) {
  Profile slow = loopback_profile();  // days pass: few events per day
  slow.probe_period = slow.gossip_period = 10min;
  slow.probe_timeout = 5min;
  slow.push_pull_period = slow.reconnect_period = 2h;
  Network network{7, slow};
  for (std::size_t i = 0; i < 4; ++i) network.add();
  network.run(24h);
  ASSERT_TRUE(network.all_see_all_alive());
  network.crash(3);
  network.run(24h);
  ASSERT_TRUE(network.all_see(3, MemberState::dead));
  network.replace(3);
  auto const old = [&](std::size_t observer) -> std::optional<MemberState> {
    auto const found = network.at(observer).members().find(Network::id_of(3));
    if (found == network.at(observer).members().end()) return std::nullopt;
    return found->second.state;
  };
  // Joins late and learns of the death late: it must not bring it back to those who forgot it.
  network.run(2 * 24h);
  std::size_t const late = network.add();
  network.run(24h);
  ASSERT_TRUE(network.all_see_all_alive());
  ASSERT_EQ(old(0), MemberState::dead);
  ASSERT_EQ(old(late), MemberState::dead);
  network.run(10 * 24h);
  for (std::size_t i = 0; i <= late; ++i) EXPECT_FALSE(old(i).has_value()) << i;
  EXPECT_TRUE(network.all_see_all_alive());
  // Nor does anything go round of it.
  std::size_t told = 0;
  network.on_send = [&](std::size_t, Message const& message) { told += news_in(message); };
  network.run(5 * 24h);
  EXPECT_EQ(told, 0u);
}

TEST(Traps, ADeadPeerThatTalksIsToldSoOnceInFiveSeconds) {
  Network network{8};
  network.grow(2);
  network.crash(1);
  ASSERT_TRUE(network.run_until([&] { return network.seen(0, 1) == MemberState::dead; }, 10s));
  std::size_t told = 0;
  for (int i = 0; i < 100; ++i) {
    Effects const effects =
        network.deliver(0, from(network, 1, Epoch{1}, LoadProbe{1}), Channel::datagram);
    told += count_dead_news(effects, Network::id_of(1));
    network.run(40ms);
  }
  EXPECT_EQ(told, 1u);
  network.run(5s);
  Effects const effects =
      network.deliver(0, from(network, 1, Epoch{1}, LoadProbe{1}), Channel::datagram);
  EXPECT_EQ(count_dead_news(effects, Network::id_of(1)), 1u);
}

TEST(Traps, OnlyNewsThatChangesTheTableIsToldOn) {
  Network network{9};
  network.grow(3);
  network.run(10s);
  std::uint64_t const before = network.at(0).changes();
  Envelope const stale = from(network, 1, Epoch{1}, Gossip{0, {alive(2, 1, 0), alive(1, 0, 7)}});
  std::size_t told = 0;
  network.on_send = [&](std::size_t, Message const& message) { told += news_in(message); };
  for (int i = 0; i < 100; ++i) network.deliver(0, stale, Channel::datagram);
  EXPECT_EQ(network.at(0).changes(), before);
  network.run(5s);
  EXPECT_EQ(told, 0u);
  // What does is.
  network.deliver(0, from(network, 1, Epoch{1}, Gossip{0, {alive(9, 1, 0)}}), Channel::datagram);
  network.run(5s);
  EXPECT_GT(told, 0u);
}

TEST(Traps, MembershipComesBeforeDataInADatagram) {
  Dissemination queue{Network::id_of(0)};
  for (std::uint64_t i = 1; i <= 100; ++i) {
    HaveRecord have;
    have.digest.bytes[0] = static_cast<std::uint8_t>(i);
    queue.add(CatalogueRecord{{Network::id_of(1), Epoch{1}, i}, have}, {});
  }
  LoadRecord load;
  load.id = Network::id_of(5);
  queue.add(load, {});
  queue.add(SuspectRecord{Network::id_of(4), {}, {}, Network::id_of(1)}, {});
  queue.add(alive(3, 1, 0), {});
  queue.add(dead(2, 1, 0), {});
  queue.add(alive(0, 1, 1), {});
  std::vector<Record> taken;
  queue.take(1100, 5, {}, taken);
  ASSERT_GT(taken.size(), 5u);
  EXPECT_EQ(std::get<AliveRecord>(taken[0]).id, Network::id_of(0));
  EXPECT_TRUE(std::holds_alternative<DeadRecord>(taken[1]));
  EXPECT_TRUE(std::holds_alternative<AliveRecord>(taken[2]));
  EXPECT_TRUE(std::holds_alternative<SuspectRecord>(taken[3]));
  EXPECT_TRUE(std::holds_alternative<CatalogueRecord>(taken[4]));
}

}  // namespace
}  // namespace chisme::cluster::testing
