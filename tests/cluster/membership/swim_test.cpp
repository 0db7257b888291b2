#include "cluster/membership/swim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cluster/wire/codec.hpp"
#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

Envelope from(std::size_t node, Message message) {
  return {Network::id_of(node), Epoch{1}, Network::endpoint_of(node), std::move(message)};
}

template <class Wanted>
std::vector<std::pair<Send, Wanted>> sent(Effects const& effects) {
  std::vector<std::pair<Send, Wanted>> found;
  for (Effect const& effect : effects) {
    auto const* send = std::get_if<Send>(&effect);
    if (send == nullptr) continue;
    if (auto const* message = std::get_if<Wanted>(&send->message)) {
      found.emplace_back(*send, *message);
    }
  }
  return found;
}

TEST(Swim, APingIsAnsweredTheWayItCame) {
  Network network{1};
  network.grow(2);
  for (Channel const channel : {Channel::datagram, Channel::stream}) {
    Effects const effects =
        network.deliver(0, from(1, Ping{42, Network::id_of(0), {}, {}}), channel);
    auto const acks = sent<Ack>(effects);
    ASSERT_EQ(acks.size(), 1u);
    EXPECT_EQ(acks[0].first.channel, channel);
    EXPECT_EQ(acks[0].first.to, Network::endpoint_of(1));
    EXPECT_EQ(acks[0].second.sequence, 42u);
    EXPECT_EQ(acks[0].second.load.id, Network::id_of(0));
  }
}

TEST(Swim, APingForSomebodyElseIsAnsweredWithWrongTarget) {
  Network network{2};
  network.grow(2);
  Effects const effects =
      network.deliver(0, from(1, Ping{42, Network::id_of(9), {}, {}}), Channel::datagram);
  EXPECT_TRUE(sent<Ack>(effects).empty());
  auto const answers = sent<WrongTarget>(effects);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second, (WrongTarget{42, Network::id_of(9)}));
}

// Nobody has to find out, and nobody takes it for one that left for good.
TEST(Swim, ANodeThatEndsIsDeadForAllAtOnceAndAliveWhenItStartsAgain) {
  Network network{77};
  network.grow(8);
  network.act(3, [](Swim& swim, Effects& out) { swim.end(out); });
  network.crash(3);
  auto const heard = network.run_until([&] { return network.all_see(3, MemberState::dead); }, 1s);
  ASSERT_TRUE(heard);
  EXPECT_LT(*heard, 200ms) << "no probe can have failed yet";
  network.restart(3);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s));
}

TEST(Swim, AHelperThatGetsNoAnswerSaysNackAtEightyPercentOfItsTimeout) {
  Network network{3};
  network.grow(3);
  network.cut(0, 2);
  Instant const asked = network.now();
  network.deliver(0, from(1, PingReq{77, Network::id_of(2), Network::endpoint_of(2)}),
                  Channel::datagram);
  std::optional<Instant> nacked;
  Effects effects;
  for (Instant now = asked; !nacked && now < asked + 1s; now += 1ms) {
    network.at(0).tick(now, effects);
    if (auto const nacks = sent<Nack>(effects); !nacks.empty()) {
      EXPECT_EQ(nacks[0].second.sequence, 77u);
      nacked = now;
    }
  }
  ASSERT_TRUE(nacked.has_value());
  EXPECT_EQ(*nacked - asked, 80ms);
}

TEST(Swim, AnAccusationInAPingIsRefutedInItsAck) {
  Network network{4};
  network.grow(2);
  SuspectRecord const accusation{Network::id_of(0), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  Effects const effects =
      network.deliver(0, from(1, Ping{1, Network::id_of(0), accusation, {}}), Channel::datagram);
  EXPECT_EQ(network.at(0).self().incarnation, Incarnation{1});
  auto const acks = sent<Ack>(effects);
  ASSERT_EQ(acks.size(), 1u);
  ASSERT_FALSE(acks[0].second.piggyback.empty());
  auto const* refutation = std::get_if<AliveRecord>(&acks[0].second.piggyback[0]);
  ASSERT_NE(refutation, nullptr);
  EXPECT_EQ(refutation->incarnation, Incarnation{1});
}

TEST(Swim, AnOldAccusationIsAnsweredWithoutANewIncarnation) {
  Network network{5};
  network.grow(2);
  SuspectRecord const accusation{Network::id_of(0), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  for (int i = 0; i < 5; ++i) {
    network.deliver(0, from(1, Ping{1, Network::id_of(0), accusation, {}}), Channel::datagram);
  }
  EXPECT_EQ(network.at(0).self().incarnation, Incarnation{1});
}

TEST(Swim, WhoIsSuspectedHearsItInEachAckAndAnswersEach) {
  Network network{17};
  network.grow(3);
  SuspectRecord const suspicion{Network::id_of(2), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  network.deliver(0, from(1, Gossip{0, {suspicion}}), Channel::datagram);
  for (std::uint64_t time = 0; time < 3; ++time) {
    auto const acks = sent<Ack>(
        network.deliver(0, from(2, Ping{time, Network::id_of(0), {}, {}}), Channel::datagram));
    ASSERT_EQ(acks.size(), 1u);
    ASSERT_FALSE(acks[0].second.piggyback.empty());
    auto const* const accusation = std::get_if<SuspectRecord>(&acks[0].second.piggyback[0]);
    ASSERT_NE(accusation, nullptr);
    EXPECT_EQ(accusation->from, Network::id_of(0));
    auto const answers =
        sent<Gossip>(network.deliver(2, from(0, Gossip{0, {*accusation}}), Channel::datagram));
    bool const is_answered = std::ranges::any_of(answers, [](auto const& answer) {
      auto const* const alive = std::get_if<AliveRecord>(&answer.second.records.front());
      return answer.first.to == Network::endpoint_of(0) && alive != nullptr &&
             alive->incarnation == Incarnation{1};
    });
    EXPECT_TRUE(is_answered) << "to the others it is no news any more";
  }
}

TEST(Swim, AnUnknownSenderIsCalledAndNotBelieved) {
  Network network{6};
  network.grow(2);
  Effects const effects = network.deliver(0, from(7, LoadProbe{1}), Channel::datagram);
  EXPECT_FALSE(network.at(0).members().contains(Network::id_of(7)));
  auto const calls = sent<PushPull>(effects);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].first.to, Network::endpoint_of(7));
  EXPECT_TRUE(calls[0].second.wants_reply);
  // And not again at once.
  EXPECT_TRUE(sent<PushPull>(network.deliver(0, from(7, LoadProbe{2}), Channel::datagram)).empty());
}

TEST(Swim, TheSuspicionIsClearedByAHigherIncarnationOnly) {
  Network network{7};
  network.grow(3);
  SuspectRecord const suspicion{Network::id_of(2), Epoch{1}, Incarnation{0}, Network::id_of(1)};
  network.deliver(0, from(1, Gossip{0, {suspicion}}), Channel::datagram);
  EXPECT_EQ(network.seen(0, 2), MemberState::suspect);
  AliveRecord same = network.at(2).self();
  network.deliver(0, from(2, Gossip{0, {same}}), Channel::datagram);
  EXPECT_EQ(network.seen(0, 2), MemberState::suspect);
  same.incarnation = Incarnation{1};
  network.deliver(0, from(2, Gossip{0, {same}}), Channel::datagram);
  EXPECT_EQ(network.seen(0, 2), MemberState::alive);
}

TEST(Swim, WhoSaysThatThisNodeIsDeadIsAnsweredHoweverOftenThatWasRefuted) {
  Network network{3};
  network.grow(3);
  DeadRecord const dead{Network::id_of(0), Epoch{1}, {}, Network::id_of(1)};
  for (int time = 0; time < 3; ++time) {
    auto const answers =
        sent<Gossip>(network.deliver(0, from(1, Gossip{0, {dead}}), Channel::datagram));
    auto const to_accuser = std::ranges::find_if(answers, [](auto const& answer) {
      auto const* const alive = std::get_if<AliveRecord>(&answer.second.records.front());
      return answer.first.to == Network::endpoint_of(1) && alive != nullptr &&
             alive->id == Network::id_of(0) && alive->incarnation == Incarnation{1};
    });
    EXPECT_NE(to_accuser, answers.end()) << time;
  }
  // Who only passes it on may have heard the refutation as soon as this node.
  EXPECT_TRUE(
      sent<Gossip>(network.deliver(0, from(2, Gossip{0, {dead}}), Channel::datagram)).empty());
}

TEST(Swim, ALiveMemberThatAnotherTableHoldsForDeadIsSuspectedAndCanRefute) {
  Network network{17};
  network.grow(3);
  MemberRecord const buried{network.at(2).self(), MemberState::dead};
  network.deliver(0, from(1, PushPull{network.at(1).self(), false, false, {buried}}),
                  Channel::stream);
  EXPECT_EQ(network.seen(0, 2), MemberState::suspect);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 5s).has_value());
  EXPECT_EQ(network.deaths(), 0u);
}

TEST(Swim, AJoinerRemembersWhoIsDeadAndStaleNewsDoesNotRaiseThem) {
  Network network{18};
  network.grow(3);
  AliveRecord const stale = network.at(2).self();
  network.crash(2);
  network.run(10s);
  std::size_t const joiner = network.add();
  network.run(3s);
  ASSERT_EQ(network.seen(joiner, 2), MemberState::dead);
  network.deliver(joiner, from(1, Gossip{0, {stale}}), Channel::datagram);
  EXPECT_EQ(network.seen(joiner, 2), MemberState::dead);
}

TEST(Swim, NewsOfAnUnknownEpochDoesNotLookLikeADuplicate) {
  Network network{10};
  network.grow(3);
  network.crash(1);
  network.restart(1);
  // Node 0 hears of a suspicion in the new epoch before it hears that the new epoch is alive.
  SuspectRecord const early{Network::id_of(1), Epoch{2}, Incarnation{0}, Network::id_of(2)};
  network.deliver(0, from(2, Gossip{0, {early}}), Channel::datagram);
  network.run(15s);
  EXPECT_TRUE(network.stopped.empty());
  EXPECT_TRUE(network.all_see_all_alive());
}

TEST(Swim, ALeavingNodeIsSeenToHaveLeftByAllAndThenEnds) {
  Network network{11};
  network.grow(5);
  network.act(4, [&](Swim& swim, Effects& out) { swim.leave(network.now(), out); });
  network.run(2s);
  EXPECT_TRUE(network.all_see(4, MemberState::left));
  EXPECT_TRUE(network.stopped.empty());
  network.run(4s);
  ASSERT_TRUE(network.stopped.contains(4));
  EXPECT_FALSE(network.stopped.at(4).failed);
  EXPECT_EQ(network.deaths(), 0u);
  EXPECT_TRUE(network.at(0).in_touch());
  network.restart(4);
  EXPECT_TRUE(network.run_until([&] { return network.all_see_all_alive(); }, 10s).has_value());
}

TEST(Swim, DrainingIsToldToAll) {
  Network network{12};
  network.grow(5);
  network.act(2, [&](Swim& swim, Effects& out) { swim.set_draining(true, network.now(), out); });
  network.run(2s);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(network.at(i).members().at(Network::id_of(2)).alive.draining) << i;
  }
}

TEST(Swim, AJoinerDoesNotPassOnTheTableThatItLearned) {
  Network network{21};
  network.grow(30);
  network.run(10s);
  std::size_t const joiner = network.add();
  std::size_t told = 0;
  network.on_send = [&](std::size_t from, Message const& message) {
    auto const* gossip = std::get_if<Gossip>(&message);
    if (from != joiner || gossip == nullptr) return;
    for (Record const& record : gossip->records) {
      auto const* alive = std::get_if<AliveRecord>(&record);
      if (alive != nullptr && alive->id != Network::id_of(joiner)) ++told;
    }
  };
  network.run(5s);
  EXPECT_EQ(network.at(joiner).members().size(), 31u);
  EXPECT_EQ(told, 0u);
}

// All of a large cluster start at once and know one address: whoever lives there tells a few of
// them its table, and those tell the others.
TEST(Swim, OfManyJoinersAFewAreToldTheWholeTableByOneNode) {
  constexpr std::size_t joiners = 100;
  Network network{26};
  for (std::size_t i = 0; i < 100; ++i) network.add();
  network.run(10s);
  std::size_t tables = 0;
  network.on_send = [&](std::size_t from, Message const& message) {
    auto const* push = std::get_if<PushPull>(&message);
    tables += from == 0 && push != nullptr && push->members.size() > 64 ? 1 : 0;
  };
  for (std::size_t i = 0; i < joiners; ++i) network.add();
  network.run(900ms);
  EXPECT_GE(tables, 1u);
  EXPECT_LE(tables, PeerCalls::tables_told_max);
  network.run(4s);
  EXPECT_TRUE(network.all_see_all_alive());
}

TEST(Swim, MembersThatKnowTheSameExchangeNoTables) {
  Network network{22};
  network.grow(10);
  network.run(30s);
  std::size_t digests = 0;
  std::size_t tables = 0;
  network.on_send = [&](std::size_t, Message const& message) {
    digests += std::holds_alternative<MembersDigest>(message) ? 1 : 0;
    bool const table =
        std::holds_alternative<MembersDelta>(message) || std::holds_alternative<PushPull>(message);
    tables += table ? 1 : 0;
  };
  network.run(1min);
  EXPECT_GT(digests, 20u);
  EXPECT_EQ(tables, 0u);
}

TEST(Swim, DigestsFindWhatGossipMissedOnEitherSide) {
  Network network{23};
  network.grow(10);
  network.run(30s);
  // Each of two learns of somebody of whom nobody else hears.
  auto const learn = [&](std::size_t at, std::size_t stranger) {
    PushPull call;
    call.self.id = Network::id_of(stranger);
    call.self.epoch = Epoch{1};
    call.self.peer = Network::endpoint_of(stranger);
    MembersDelta table;
    table.self = network.at(1 - at).self();
    table.count = 8;
    table.members = {MemberRecord{call.self, MemberState::dead}};
    network.deliver(at, from(1 - at, table), Channel::stream);
  };
  learn(0, 70);
  learn(1, 71);
  ASSERT_FALSE(network.at(0).members().contains(Network::id_of(71)));
  network.run(2min);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(network.at(i).members().contains(Network::id_of(70))) << i;
    EXPECT_TRUE(network.at(i).members().contains(Network::id_of(71))) << i;
  }
}

TEST(Swim, ALoadIsOlderByTheTimeItTravelled) {
  Network network{24};
  network.grow(2);
  network.run(5s);  // pings tell that the way takes 0.5 to 2 ms
  LoadRecord load;
  load.id = Network::id_of(1);
  load.age_ms = 100;
  EXPECT_GE(network.at(0).arrived(load, Network::id_of(1)).age_ms, 101u);
  EXPECT_LE(network.at(0).arrived(load, Network::id_of(1)).age_ms, 102u);
}

TEST(Swim, AJoinerLearnsWhoIsDraining) {
  Network network{25};
  network.grow(3);
  network.act(2, [&](Swim& swim, Effects& out) { swim.set_draining(true, network.now(), out); });
  network.run(30s);
  std::size_t const joiner = network.add();
  network.run(2s);
  EXPECT_TRUE(network.at(joiner).members().at(Network::id_of(2)).alive.draining);
  // It is watched like any other.
  network.crash(2);
  EXPECT_TRUE(network.run_until([&] { return network.all_see(2, MemberState::dead); }, 6s));
}

TEST(Swim, AStreamThatBreaksMakesItsPeerBeProbedAtOnce) {
  Network network{14};
  network.grow(5);
  Effects effects;
  network.at(0).unreachable(Network::endpoint_of(3), network.now(), effects);
  auto const pings = sent<Ping>(effects);
  // Unless it was being probed already.
  ASSERT_LE(pings.size(), 1u);
  if (!pings.empty()) EXPECT_EQ(pings[0].second.target, Network::id_of(3));
}

TEST(Swim, CarriedRecordsAreHandedToTheCaller) {
  Network network{15};
  network.grow(2);
  LoadRecord load;
  load.id = Network::id_of(1);
  CatalogueRecord const change{{Network::id_of(1), Epoch{1}, 1}, HaveRecord{}};
  network.carried.clear();
  network.deliver(0, from(1, Gossip{0, {load, change}}), Channel::datagram);
  ASSERT_EQ(network.carried[0].size(), 2u);
  EXPECT_EQ(std::get<CatalogueRecord>(network.carried[0][1]), change);
}

TEST(Swim, ACatalogueRecordReachesAllByGossip) {
  Network network{16};
  network.grow(5);
  // Each passes on what is new to it, as a core does.
  CatalogueRecord const change{{Network::id_of(1), Epoch{1}, 1}, HaveRecord{}};
  network.at(1).tell(change, network.now());
  network.run(500ms);
  std::size_t reached = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    auto const& records = network.carried[i];
    reached += std::count(records.begin(), records.end(), Record{change}) > 0 ? 1 : 0;
  }
  EXPECT_GE(reached, 2u);
}

// ---- Parts -------------------------------------------------------------------------------------

// How many catalogue records node 0 gossips in the next second.
std::size_t changes_told(Network& network) {
  Effects effects;
  Instant const end = network.now() + 1s;
  for (Instant now = network.now(); now < end; now += 10ms) network.at(0).tick(now, effects);
  std::size_t told = 0;
  for (auto const& [send, gossip] : sent<Gossip>(effects)) {
    told += static_cast<std::size_t>(std::ranges::count_if(gossip.records, [](Record const& one) {
      return std::holds_alternative<CatalogueRecord>(one);
    }));
  }
  return told;
}

TEST(Swim, WhatAllHaveIsNotToldOn) {
  CatalogueRecord const change{{Network::id_of(0), Epoch{1}, 1}, DropRecord{}};
  // In a row the same, in a row the same once another was heard, the same before the change.
  for (auto const& [same, before_another, before_change] :
       {std::tuple{6u, 0u, 0u}, {5u, 0u, 0u}, {5u, 5u, 0u}, {0u, 0u, 6u}}) {
    Network network{4};
    network.grow(3);
    Swim& swim = network.at(0);
    for (unsigned i = 0; i < before_change; ++i) swim.heard_of_catalogue(true);
    swim.tell(change, network.now());
    swim.set_catalogue_fingerprint(1);
    for (unsigned i = 0; i < before_another; ++i) swim.heard_of_catalogue(true);
    if (before_another > 0) swim.heard_of_catalogue(false);
    for (unsigned i = 0; i < same; ++i) swim.heard_of_catalogue(true);
    EXPECT_EQ(changes_told(network) == 0, same == 6) << same << before_another << before_change;
  }
}

TEST(Suspicion, FallsFromTheLongestToTheShortestWaitAsOthersConfirm) {
  Profile const profile = loopback_profile();
  EXPECT_EQ(suspicion_timeout(profile, 5, 0), 4800ms);
  EXPECT_EQ(suspicion_timeout(profile, 5, 1), 2800ms);
  EXPECT_EQ(suspicion_timeout(profile, 5, 3), 800ms);
  EXPECT_EQ(suspicion_timeout(profile, 5, 9), 800ms);
  EXPECT_EQ(suspicion_timeout(profile, 2, 0), 800ms);  // nobody could confirm
  EXPECT_EQ(suspicion_timeout(profile, 1000, 3), 2400ms);
}

TEST(Suspicion, OneAccuserConfirmsOnce) {
  Suspicions suspicions{loopback_profile()};
  EXPECT_TRUE(suspicions.accuse(NodeId{0, 1}, NodeId{0, 2}, 5, {}));
  EXPECT_FALSE(suspicions.accuse(NodeId{0, 1}, NodeId{0, 2}, 5, {}));
  EXPECT_EQ(suspicions.deadline(), Instant{} + 4800ms);
  EXPECT_TRUE(suspicions.accuse(NodeId{0, 1}, NodeId{0, 3}, 5, {}));
  EXPECT_EQ(suspicions.deadline(), Instant{} + 2800ms);
  EXPECT_TRUE(suspicions.expire(Instant{} + 2799ms).empty());
  EXPECT_EQ(suspicions.expire(Instant{} + 2800ms).size(), 1u);
  EXPECT_EQ(suspicions.deadline(), std::nullopt);
}

}  // namespace
}  // namespace chisme::cluster::testing
