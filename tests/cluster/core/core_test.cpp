#include "cluster/core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cluster/load/balancer.hpp"
#include "cluster/replication/lookups.hpp"
#include "cluster/replication/situation.hpp"
#include "tests/simulation/world.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using simulation::Host;
using simulation::Scenario;
using simulation::World;

constexpr Digest object_digest{{7}};

// A core without a network, whose saves are synced at once.
class Lonely {
 public:
  explicit Lonely(std::vector<Endpoint> seeds)
      : core_(config(std::move(seeds)), self(), {}, Random{1}, Instant{}) {}

  Effects give(Input input) {
    Effects done;
    Effects next;
    core_.handle(std::move(input), now_, next);
    while (!next.empty()) {
      Effects more;
      for (Effect& effect : next) {
        if (auto const* save = std::get_if<SaveCatalogue>(&effect)) {
          core_.handle(CatalogueSaved{save->save}, now_, more);
        }
        done.push_back(std::move(effect));
      }
      next = std::move(more);
    }
    return done;
  }
  Effects write() {
    give(ObjectStored{object_digest, ByteCount{3}});
    return give(WriteRequested{
        WriteId{1}, "a", StoreFile{object_digest, ByteCount{3}, "text/plain"}, {self().id}, {}});
  }
  // Somebody at `peer()` calls, as a node does when it starts.
  Effects meet(Epoch epoch, NodeId id = NodeId{0, 2}) {
    PushPull call;
    call.self.id = id;
    call.self.epoch = epoch;
    call.self.peer = call.self.http = peer();
    call.self.run_nonce = epoch.value();
    return give(Received{Channel::stream, {call.self.id, epoch, peer(), call}});
  }
  static Endpoint peer() { return *parse_endpoint("127.0.0.1:8702"); }
  void wait(Duration time) { now_ += time; }
  Core& core() { return core_; }
  ClusterView view() const { return core_.view(now_); }
  static Self self() {
    Self self;
    self.id = NodeId{0, 1};
    self.epoch = Epoch{1};
    self.run_nonce = 5;
    self.peer = *parse_endpoint("127.0.0.1:8701");
    self.http = *parse_endpoint("127.0.0.1:7701");
    return self;
  }

 private:
  static CoreConfig config(std::vector<Endpoint> seeds) {
    CoreConfig config;
    config.profile = loopback_profile();
    config.seeds = std::move(seeds);
    return config;
  }

  Instant now_{1s};
  Core core_;
};

template <class Kind>
std::vector<Kind> all_of_kind(Effects const& effects) {
  std::vector<Kind> found;
  for (Effect const& effect : effects) {
    if (auto const* kind = std::get_if<Kind>(&effect)) found.push_back(*kind);
  }
  return found;
}

TEST(Core, ANodeThatNeverHadPeersWritesAlone) {
  Lonely node{{}};
  std::uint64_t const number = node.core().view_number();
  auto const finished = all_of_kind<WriteFinished>(node.write());
  ASSERT_EQ(finished.size(), 1u);
  ASSERT_TRUE(finished[0].outcome);
  EXPECT_EQ(finished[0].outcome->copies, std::vector<NodeId>{Lonely::self().id});
  EXPECT_TRUE(finished[0].outcome->created);
  EXPECT_EQ(node.view().copies_durable, 1u);
  EXPECT_EQ(node.view().copies_wanted, 1u);
  EXPECT_TRUE(node.view().in_touch);
  EXPECT_TRUE(node.view().catalogue.find("a"));
  EXPECT_GT(node.core().view_number(), number);
}

TEST(Core, ANodeThatShouldHavePeersRefusesAtOnceWhileThereAreNone) {
  Lonely node{{*parse_endpoint("127.0.0.1:8702")}};
  auto const finished = all_of_kind<WriteFinished>(node.write());
  ASSERT_EQ(finished.size(), 1u);
  ASSERT_FALSE(finished[0].outcome);
  EXPECT_EQ(finished[0].outcome.error().fault, Fault::no_quorum);
  EXPECT_EQ(node.view().copies_durable, 2u);
  EXPECT_FALSE(node.view().in_touch);
  EXPECT_FALSE(node.view().catalogue.find("a"));
}

TEST(Core, AnswersALoadProbeTheWayItCame) {
  Lonely node{{}};
  node.give(LoadSampled{.in_flight = 4});
  Endpoint const asker = *parse_endpoint("127.0.0.1:9000");
  auto const sent = all_of_kind<Send>(
      node.give(Received{Channel::stream, {NodeId{0, 2}, Epoch{1}, asker, LoadProbe{9}}}));
  auto const reply = std::find_if(sent.begin(), sent.end(), [](Send const& send) {
    return std::holds_alternative<LoadReply>(send.message);
  });
  ASSERT_NE(reply, sent.end());
  EXPECT_EQ(reply->to, asker);
  EXPECT_EQ(reply->channel, Channel::stream);
  EXPECT_EQ(std::get<LoadReply>(reply->message).sequence, 9u);
  EXPECT_EQ(std::get<LoadReply>(reply->message).load.in_flight, 4u);
}

TEST(Core, AsksForALoadThatItHasNotHeardOfForTwoSecondsOncePerSecond) {
  Lonely node{{}};
  node.meet(Epoch{1});
  auto const probes = [&] {
    auto const sent = all_of_kind<Send>(node.give(LoadSampled{}));
    return std::count_if(sent.begin(), sent.end(), [](Send const& send) {
      return send.to == Lonely::peer() && std::holds_alternative<LoadProbe>(send.message) &&
             send.channel == Channel::datagram;
    });
  };
  node.wait(1900ms);
  EXPECT_EQ(probes(), 0);
  node.wait(200ms);
  EXPECT_EQ(probes(), 1);
  node.wait(500ms);
  EXPECT_EQ(probes(), 0);
  node.wait(600ms);
  EXPECT_EQ(probes(), 1);
  LoadRecord load;
  load.id = NodeId{0, 2};
  load.epoch = Epoch{1};
  load.sequence = 1;
  load.in_flight = 3;
  node.give(Received{Channel::datagram, {load.id, load.epoch, Lonely::peer(), LoadReply{1, load}}});
  node.wait(1100ms);
  EXPECT_EQ(probes(), 0) << "the answer is fresh";
  ASSERT_TRUE(node.view().members[1].load);
  EXPECT_EQ(node.view().members[1].load->in_flight, 3u);
}

TEST(Core, ProbesTheLoadsThatAChoiceWants) {
  Lonely node{{}};
  node.meet(Epoch{1});
  auto const probes = [&] {
    auto const sent =
        all_of_kind<Send>(node.give(LoadsWanted{{Lonely::self().id, NodeId{0, 2}, NodeId{0, 3}}}));
    return std::count_if(sent.begin(), sent.end(), [](Send const& send) {
      return send.to == Lonely::peer() && std::holds_alternative<LoadProbe>(send.message);
    });
  };
  EXPECT_EQ(probes(), 0) << "it has only just come";
  node.wait(2100ms);
  EXPECT_EQ(probes(), 1);
  EXPECT_EQ(probes(), 0) << "it was asked in this second";
}

TEST(Core, ShowsHowManyRequestsThisNodeCanServe) {
  Lonely node{{}};
  for (int i = 0; i < 300; ++i) {
    node.wait(100ms);
    node.give(LoadSampled{.in_flight = 4, .bytes_per_second_now = 4e6f});
  }
  ASSERT_EQ(node.view().members.size(), 1u);
  // It was never saturated, so it expects a third more of itself than it ever served.
  EXPECT_NEAR(node.view().members[0].full_at, 4 * 4.0 / 3, 0.1);
}

TEST(Core, AMemberThatRestartsQuicklyIsNotHeldToItsFailures) {
  Lonely node{{}};
  node.meet(Epoch{1});
  for (int i = 0; i < 5; ++i) node.give(PeerUnreachable{Lonely::peer()});
  ASSERT_EQ(node.view().members.size(), 2u);
  EXPECT_TRUE(node.view().members[1].ejected);
  node.meet(Epoch{2});
  EXPECT_FALSE(node.view().members[1].ejected);
}

TEST(Core, AHolderWhoseCopiesCannotBeReadIsEjected) {
  Lonely node{{}};
  node.meet(Epoch{1});
  NodeId const holder{0, 2};
  for (int i = 0; i < 4; ++i) node.give(RelayEnded{holder, false});
  node.give(RelayEnded{holder, true});
  for (int i = 0; i < 4; ++i) {
    node.give(RelayEnded{holder, false});
    node.meet(Epoch{1});  // its messages come all the while
  }
  EXPECT_FALSE(node.view().members[1].ejected);
  node.give(RelayEnded{holder, false});
  EXPECT_TRUE(node.view().members[1].ejected);
  EXPECT_FALSE(node.view().members[0].ejected);
}

// Else a few replaced disks would leave no majority until the old identities are forgotten.
TEST(Core, ADeadMemberWhosePlaceIsTakenIsNotMissed) {
  Lonely node{{}};
  for (std::uint64_t number = 2; number <= 5; ++number) {
    NodeId const id{0, number};
    node.meet(Epoch{1}, id);
    if (number == 5) break;
    DeadRecord const dead{id, Epoch{1}, Incarnation{}, id};
    node.give(Received{Channel::datagram, {id, Epoch{1}, Lonely::peer(), Gossip{0, {dead}}}});
  }
  EXPECT_EQ(node.view().members.size(), 5u);
  EXPECT_TRUE(node.view().in_touch);
  EXPECT_EQ(expected_members(node.view().members), 2u);
}

// Clients that others send here from now on would find nobody.
TEST(Core, ANodeThatEndsSoonSaysAtOnceThatItIsUnwell) {
  Lonely node{{}};
  node.meet(Epoch{1});
  node.give(LoadSampled{});
  EXPECT_LT(node.view().members.at(0).load->health, unwell_health);
  node.give(EndsSoon{});
  EXPECT_EQ(node.view().members.at(0).load->health, unwell_health);
  node.give(LoadSampled{});
  EXPECT_EQ(node.view().members.at(0).load->health, unwell_health) << "it stays so";
  EXPECT_TRUE(node.view().in_touch) << "it takes part in all else";
  std::vector<LoadRecord> told;
  Instant now{1s};
  Effects out;
  for (int i = 0; i < 20; ++i) {
    now = std::max(now, *node.core().deadline());
    node.core().tick(now, out);
  }
  for (Send const& send : all_of_kind<Send>(out)) {
    auto const* const gossip = std::get_if<Gossip>(&send.message);
    if (gossip == nullptr) continue;
    for (Record const& record : gossip->records) {
      if (auto const* load = std::get_if<LoadRecord>(&record)) told.push_back(*load);
    }
  }
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front().health, unwell_health);
}

TEST(Core, ANodeThatEndsSaysThatItIsDeadAndNothingAfterwards) {
  Lonely node{{}};
  node.meet(Epoch{1});
  auto const said = all_of_kind<Send>(node.give(EndsNow{}));
  ASSERT_EQ(said.size(), 1u);
  auto const* const gossip = std::get_if<Gossip>(&said[0].message);
  ASSERT_TRUE(gossip);
  Self const self = Lonely::self();
  EXPECT_EQ(gossip->records,
            (std::vector<Record>{DeadRecord{self.id, self.epoch, Incarnation{}, self.id}}));
  EXPECT_EQ(said[0].to, Lonely::peer());
  SuspectRecord const suspect{self.id, self.epoch, Incarnation{}, NodeId{0, 2}};
  auto const answer = node.give(
      Received{Channel::datagram, {NodeId{0, 2}, Epoch{1}, Lonely::peer(), Gossip{0, {suspect}}}});
  EXPECT_TRUE(all_of_kind<Send>(answer).empty()) << "it does not refute its death";
}

TEST(Core, ANodeThatIsToldToStayTakesPartAgainAndMayLeaveLater) {
  Lonely node{{}};
  node.meet(Epoch{1});
  node.give(LeaveCancelled{});
  node.give(LeaveRequested{});
  EXPECT_TRUE(node.view().members.at(0).alive.draining);
  node.give(LeaveCancelled{});
  EXPECT_FALSE(node.view().members.at(0).alive.draining);
  Effects out;
  Instant now{1s};
  while (now < Instant{60s}) {
    now = std::max(now, *node.core().deadline());
    node.core().tick(now, out);
  }
  EXPECT_TRUE(all_of_kind<Stop>(out).empty());
  node.wait(60s);
  node.give(LeaveRequested{});
  EXPECT_TRUE(node.view().members.at(0).alive.draining);
}

TEST(Core, ANodeWhoseDiskFailedDrainsStillWhenItIsToldToStay) {
  Lonely node{{}};
  node.meet(Epoch{1});
  node.give(StorageFenced{});
  node.give(LeaveRequested{});
  node.give(LeaveCancelled{});
  EXPECT_TRUE(node.view().members.at(0).alive.draining);
}

TEST(Core, OnceItHasStoppedItDoesNotAskToBeCalledAtOnce) {
  Lonely node{{}};
  node.give(LeaveRequested{});
  Instant now{1s};
  Effects out;
  for (int i = 0; i < 1000 && all_of_kind<Stop>(out).empty(); ++i) {
    now = std::max(now, *node.core().deadline());
    node.core().tick(now, out);
  }
  ASSERT_EQ(all_of_kind<Stop>(out).size(), 1u);
  node.core().tick(now + 1s, out);
  EXPECT_GT(*node.core().deadline(), now + 1s);
}

// Machines swap their addresses: what is sent to another one comes back.
TEST(Core, ItsOwnAnswerIsNotThatOfAnother) {
  Lonely node{{}};
  node.meet(Epoch{1});
  std::optional<LookupName> question;
  for (Send const& send : all_of_kind<Send>(node.give(LookupRequested{LookupId{1}, "a"}))) {
    if (auto const* asked = std::get_if<LookupName>(&send.message)) question = *asked;
  }
  ASSERT_TRUE(question);
  Self const self = Lonely::self();
  node.give(Received{Channel::stream,
                     {self.id, self.epoch, self.peer, LookupAnswer{question->lookup, {}}}});
  Effects out;
  node.core().tick(Instant{1s} + 2 * Lookups::patience, out);
  auto const finished = all_of_kind<LookupFinished>(out);
  ASSERT_EQ(finished.size(), 1u);
  ASSERT_FALSE(finished[0].found) << "one of two is no majority";
  EXPECT_EQ(finished[0].found.error().fault, Fault::unavailable);
}

TEST(Core, StartsAgainWhenItHearsWhatItHasWrittenInALaterEpoch) {
  Lonely node{{}};
  node.meet(Epoch{1});
  CatalogueRecord const own{{Lonely::self().id, Epoch{2}, 1}, HaveRecord{Digest{}, ByteCount{3}}};
  Effects const out = node.give(
      Received{Channel::datagram, {NodeId{0, 2}, Epoch{1}, Lonely::peer(), Gossip{0, {own}}}});
  auto const stops = all_of_kind<Stop>(out);
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_TRUE(stops[0].failed);
  EXPECT_TRUE(stops[0].restart);
}

TEST(Core, ANodeWhoseDiskFailedTakesNoPartInWritesSavesNothingAndStillHears) {
  Lonely node{{}};
  NodeId const other{0, 2};
  node.meet(Epoch{1}, other);
  node.write();
  node.give(StorageFenced{});
  EXPECT_TRUE(node.view().members.at(0).alive.draining) << "others place nothing there";

  Effects out = node.write();
  auto const finished = all_of_kind<WriteFinished>(out);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].outcome.error().fault, Fault::unavailable);
  CatalogueRecord const put{{other, Epoch{1}, 1},
                            PutRecord{"b", Version{1, other}, ByteCount{3}, object_digest, "", {}}};
  Effects const asked =
      node.give(Received{Channel::stream, {other, Epoch{1}, Lonely::peer(), CommitWrite{9, put}}});
  std::vector<WriteCommitted> answers;
  for (Send const& send : all_of_kind<Send>(asked)) {
    if (auto const* answer = std::get_if<WriteCommitted>(&send.message)) answers.push_back(*answer);
  }
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].accepted);

  Effects const heard =
      node.give(Received{Channel::datagram, {other, Epoch{1}, Lonely::peer(), Gossip{0, {put}}}});
  EXPECT_TRUE(node.view().catalogue.find("b")) << "what others wrote is listed here too";
  node.wait(1s);
  Effects later;
  node.core().tick(Instant{} + 3s, later);
  for (Effects const& effects : {out, asked, heard, later}) {
    EXPECT_TRUE(all_of_kind<SaveCatalogue>(effects).empty());
  }
}

TEST(Core, LoadFiguresAloneDoNotMoveTheViewNumber) {
  Lonely node{{}};
  node.give(LoadSampled{.in_flight = 4});
  std::uint64_t const number = node.core().view_number();
  node.give(LoadSampled{.in_flight = 5});
  EXPECT_EQ(node.core().view_number(), number);
  EXPECT_EQ(node.view().members.at(0).load->in_flight, 5u);
}

TEST(Core, SaysWhenItMustBeCalledNext) {
  Lonely node{{*parse_endpoint("127.0.0.1:8702")}};
  ASSERT_TRUE(node.core().deadline());
  Effects effects;
  for (int i = 0; i < 100; ++i) {
    Instant const deadline = *node.core().deadline();
    node.core().tick(deadline, effects);
    ASSERT_GT(*node.core().deadline(), deadline);
  }
  EXPECT_FALSE(all_of_kind<Send>(effects).empty());
}

TEST(Core, EverybodyKnowsTheLoadOfEverybody) {
  World world{Scenario{}};
  world.start_all();
  ASSERT_TRUE(world.run_until_agreed(10s));
  world.run_for(5s);
  for (auto const& host : world.around().hosts) {
    ClusterView const view = host->view();
    ASSERT_EQ(view.members.size(), 5u);
    for (MemberView const& member : view.members) {
      ASSERT_TRUE(member.load) << to_string(member.alive.id);
      Duration const age =
          view.at - member.sampled + std::chrono::milliseconds{member.load->age_ms};
      EXPECT_LT(age, 2s) << host->index() << " of " << to_string(member.alive.id);
    }
  }
}

TEST(Core, ALeavingNodeHandsOverItsCopiesAndIsMissedByNobody) {
  World world{Scenario{}};
  world.start_all();
  ASSERT_TRUE(world.run_until_agreed(10s));
  for (int i = 0; i < 40; ++i) {
    world.workload().act();
    world.run_for(100ms);
  }
  ASSERT_TRUE(world.run_until_agreed(20s));
  Host& leaver = world.host(3);
  NodeId const left = leaver.id();
  leaver.give(LeaveRequested{});
  for (int i = 0; i < 300 && leaver.is_up(); ++i) world.run_for(100ms);
  EXPECT_FALSE(leaver.is_up());
  auto const files = world.host(0).view().catalogue.list("", "", 1000);
  ASSERT_FALSE(files.empty());
  for (FileEntry const& file : files) {
    auto const copies = std::count_if(
        world.around().hosts.begin(), world.around().hosts.end(),
        [&](auto& host) { return host->is_up() && host->disk().holds(file.put.digest); });
    EXPECT_GE(copies, 3) << file.put.name;
  }
  for (MemberView const& member : world.host(0).view().members) {
    if (member.alive.id == left) EXPECT_EQ(member.state, MemberState::left);
  }
  EXPECT_EQ(world.around().violations, std::vector<simulation::Violation>{});
}

}  // namespace
}  // namespace chisme::cluster
