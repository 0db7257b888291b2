#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/replication/little_cluster.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;

// Some nodes and one file of three copies, made by a write with two.
struct Repair : ::testing::Test {
  explicit Repair(LittleCluster::Options options = {}) : cluster(options) {
    cluster.put(1, "a", 1, {1, 2});
    cluster.run(settled);
  }
  std::uint64_t third_holder() const {
    for (std::uint64_t const number : cluster.holders(1)) {
      if (number > 2) return number;
    }
    return 0;
  }
  std::uint64_t pending() const {
    std::uint64_t sum = 0;
    for (std::uint64_t number = 1; number <= 5; ++number) sum += cluster.pending(number);
    return sum;
  }
  // Of what `teller` said: from whom to whom.
  std::set<std::pair<NodeId, NodeId>> told_by(std::uint64_t teller, RepairStage stage) const {
    std::set<std::pair<NodeId, NodeId>> told;
    for (auto const& event : cluster.events<RepairProgress>(teller)) {
      if (event.stage == stage) told.emplace(event.source, event.target);
    }
    return told;
  }
  int stages(RepairStage stage) const {
    int count = 0;
    for (std::uint64_t number = 1; number <= 5; ++number) {
      for (auto const& event : cluster.events<RepairProgress>(number)) {
        count += event.stage == stage ? 1 : 0;
      }
    }
    return count;
  }
  LittleCluster cluster;
};

TEST_F(Repair, AWriteGetsItsThirdCopyAtOnce) {
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  EXPECT_TRUE(cluster.agree());
  EXPECT_EQ(pending(), 0u);
  EXPECT_GT(stages(RepairStage::queued), 0);
  EXPECT_GT(stages(RepairStage::started), 0);
  EXPECT_GT(stages(RepairStage::finished), 0);
  EXPECT_EQ(stages(RepairStage::failed), 0);
}

TEST_F(Repair, SenderAndReceiverTellTheSameOfACopy) {
  std::uint64_t const target = third_holder();
  for (RepairStage const stage : {RepairStage::started, RepairStage::finished}) {
    auto const told = told_by(target, stage);
    ASSERT_THAT(told, SizeIs(1));
    auto const [source, receiver] = *told.begin();
    EXPECT_EQ(receiver, node(target));
    EXPECT_NE(source, receiver);
    EXPECT_EQ(told_by(source == node(1) ? 1 : 2, stage), told);
  }
}

TEST(RepairWithoutGossip, OnlyTheWriterActsWhileItsOwnHaveIsNotKnownYet) {
  LittleCluster cluster{{.gossip = false}};
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(settled);
  EXPECT_EQ(cluster.sent<FetchObject>(), 1);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Repair, WaitsForADeadNodeBeforeItMakesAnotherCopy) {
  cluster.kill(third_holder());
  cluster.run(LittleCluster::repair_delay - 1s);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  EXPECT_EQ(pending(), 1u);
  cluster.run(3s);
  EXPECT_THAT(cluster.holders(1), SizeIs(4));
  EXPECT_EQ(pending(), 0u);
  cluster.run(2 * LittleCluster::repair_delay);
  EXPECT_THAT(cluster.holders(1), SizeIs(4)) << "one copy was enough";
}

TEST_F(Repair, ANodeThatComesBackCancelsTheCopy) {
  std::uint64_t const holder = third_holder();
  cluster.kill(holder);
  cluster.run(LittleCluster::repair_delay / 2);
  cluster.start(holder);
  cluster.run(3 * LittleCluster::repair_delay);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Repair, ANodeThatLeftIsNotWaitedFor) {
  std::uint64_t const holder = third_holder();
  cluster.stop(holder);
  cluster.set_state(holder, MemberState::left);
  cluster.run(settled);
  EXPECT_THAT(cluster.holders(1), SizeIs(4));
}

TEST_F(Repair, ANodeThatDrainsHandsOverAndTakesNothing) {
  cluster.set_draining(1);
  cluster.run(settled);
  EXPECT_THAT(cluster.holders(1), SizeIs(4));
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Repair, TheLastCopyIsCopiedSooner) {
  cluster.kill(1);
  cluster.kill(2);
  cluster.run(LittleCluster::last_copy_repair_delay - 500ms);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  cluster.run(2s);
  EXPECT_THAT(cluster.holders(1), SizeIs(4)) << "a second copy is made in spite of the brake";
}

TEST_F(Repair, ManyDeathsHoldBackAllButLastCopies) {
  LittleCluster wide{{.nodes = 8}};
  wide.put(1, "a", 1, {1, 2});
  wide.run(settled);
  std::uint64_t const holder = *wide.holders(1).rbegin();
  wide.kill(holder);
  wide.run(10s);
  int killed = 0;
  for (std::uint64_t number = 3; killed < 3; ++number) {
    if (number == holder) continue;
    wide.kill(number);
    ++killed;
  }
  wide.run(LittleCluster::repair_delay - 11s + 5s);
  EXPECT_THAT(wide.holders(1), SizeIs(3)) << "the copy is due, but three others died lately";
  wide.run(10s);
  EXPECT_THAT(wide.holders(1), SizeIs(4)) << "the deaths are long ago";
}

TEST_F(Repair, ACopyThatRottedIsMadeAgain) {
  cluster.lose(2, 1);
  cluster.run(settled);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  EXPECT_TRUE(cluster.agree());
}

TEST(RepairWithoutSpare, ACopyThatIsLostBeforeItsHaveIsDurableIsFetchedAgain) {
  LittleCluster cluster{{.nodes = 3}};
  cluster.stall_disk(3, true);
  cluster.put(1, "a", 1, {1, 2});
  cluster.run(settled);
  ASSERT_THAT(cluster.holders(1), SizeIs(3));
  cluster.lose(3, 1);
  cluster.stall_disk(3, false);
  cluster.run(60s);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Repair, AFailedTransferIsTriedElsewhere) {
  std::uint64_t const holder = third_holder();
  for (std::uint64_t number = 3; number <= 5; ++number) {
    if (number == holder) continue;
    cluster.fail_transfers_to(number);
    break;
  }
  cluster.stop(holder);
  cluster.set_state(holder, MemberState::left);
  cluster.run(90s);
  EXPECT_THAT(cluster.holders(1), SizeIs(4));
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Repair, ATargetThatDiesIsReplaced) {
  std::uint64_t const holder = third_holder();
  std::uint64_t const spare = holder == 5 ? 4 : 5;
  cluster.stop(spare);  // nobody knows yet
  cluster.stop(holder);
  cluster.set_state(holder, MemberState::left);
  cluster.run(10s);
  cluster.set_state(spare, MemberState::dead);
  cluster.run(10s);
  std::set<std::uint64_t> live = cluster.holders(1);
  live.erase(holder);
  live.erase(spare);
  EXPECT_THAT(live, SizeIs(3));
}

TEST_F(Repair, ADeadCoordinatorIsReplacedByTheNext) {
  // The object has too few copies, and the node that should see to it is cut off from all targets.
  std::uint64_t const holder = third_holder();
  for (std::uint64_t number = 1; number <= 5; ++number) {
    if (number != 1) cluster.cut(1, number);
  }
  cluster.stop(holder);
  cluster.set_state(holder, MemberState::left);
  cluster.run(LittleCluster::repair_delay + 5s);
  EXPECT_THAT(cluster.holders(1), SizeIs(4));
}

TEST_F(Repair, WithoutEnoughNodesNothingIsPending) {
  LittleCluster pair{{.nodes = 2}};
  pair.put(1, "a", 1, {1, 2});
  pair.run(10s);
  EXPECT_EQ(pair.pending(1), 0u);
  EXPECT_EQ(pair.sent<FetchObject>(), 0);
}

TEST_F(Repair, AFileThatWasRemovedIsNotRepaired) {
  cluster.remove(1, "a");
  cluster.run(settled);
  cluster.kill(third_holder());
  cluster.run(2 * LittleCluster::repair_delay);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
  EXPECT_EQ(pending(), 0u);
}

Digest wide_digest(std::size_t number) {
  Digest digest;
  digest.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  digest.bytes[1] = static_cast<std::uint8_t>(number);
  return digest;
}

// `count` files of nodes 1, 2 and 3, the last one without its copy on 3.
Catalogue many_files(std::size_t count) {
  StoredCatalogue stored;
  for (std::size_t i = 0; i < count; ++i) {
    Digest const object = wide_digest(i);
    stored.records.push_back(
        {dot({1, i + 1}),
         PutRecord{std::to_string(i), {i, node(1)}, ByteCount{1}, object, "", {}}});
    for (std::uint64_t holder = 1; holder <= (i + 1 < count ? 3u : 2u); ++holder) {
      stored.records.push_back({dot({holder, i + 1}), HaveRecord{object, ByteCount{1}}});
      if (holder == 1) stored.objects.push_back({object, ByteCount{1}});
    }
  }
  return Catalogue{node(1), Epoch{2}, std::move(stored), Instant{}};
}

TEST(RepairOfManyFiles, ComesToTheLastOneThoughMembersNeverStopChanging) {
  constexpr std::size_t files = 4 * Survey::slice;
  Catalogue const catalogue = many_files(files);
  std::vector<MemberView> members(4);
  for (std::uint64_t i = 0; i < members.size(); ++i) members[i].alive.id = node(i + 1);
  Outages outages{CoreConfig{}, Instant{}};
  Survey survey{Instant{}};
  Repairer repairer{CoreConfig{}, Instant{}};
  Effects out;
  for (int i = 0; i < 20; ++i) {
    members[3].state = i % 2 == 0 ? MemberState::alive : MemberState::suspect;
    Situation const situation{.now = Instant{} + i * 20ms,
                              .self = node(1),
                              .members = members,
                              .copies_wanted = 3,
                              .copies_durable = 2};
    outages.members_changed(situation);
    survey.watch(situation);
    for (Digest const& digest : survey.take_due(catalogue, situation.now)) {
      repairer.examine(digest, catalogue, situation, outages, out);
    }
    repairer.tick(catalogue, situation, outages, out);
  }
  std::vector<Digest> fetched;
  for (Effect const& effect : out) {
    auto const* const send = std::get_if<Send>(&effect);
    if (send != nullptr) fetched.push_back(std::get<FetchObject>(send->message).digest);
  }
  EXPECT_EQ(fetched, std::vector<Digest>{wide_digest(files - 1)});
}

TEST_F(Repair, LostCopiesAreAnnouncedOnce) {
  LittleCluster wide{{.nodes = 9, .copies_wanted = 2}};
  wide.put(1, "a", 1, {1, 2});
  wide.run(settled);
  wide.kill(1);
  wide.kill(2);
  wide.run(LittleCluster::last_copy_repair_delay - 1s);
  EXPECT_THAT(wide.events<CopiesLost>(5), SizeIs(0));
  wide.run(LittleCluster::repair_delay + 2s);
  wide.kill(3);
  wide.run(30s);
  ASSERT_THAT(wide.events<CopiesLost>(5), SizeIs(1));
  EXPECT_EQ(wide.events<CopiesLost>(5)[0].digest, digest(1));
  EXPECT_EQ(wide.pending(5), 0u);
}

TEST_F(Repair, ANodeThatSeesFewOthersDoesNotCryLoss) {
  std::uint64_t const observer = third_holder() == 5 ? 4 : 5;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    if (number != observer) cluster.kill(number);
  }
  cluster.run(60s);
  EXPECT_THAT(cluster.events<CopiesLost>(observer), SizeIs(0));
}

TEST_F(Repair, TransfersAreThrottledAndAllGetDone) {
  for (std::uint8_t content = 2; content < 102; ++content) {
    cluster.put(1, "file " + std::to_string(content), content, {1, 2});
  }
  cluster.run(1s);
  std::uint64_t const holder = third_holder();
  cluster.run(30s);
  for (std::uint8_t content = 1; content < 102; ++content) {
    ASSERT_THAT(cluster.holders(content), SizeIs(3)) << int{content};
  }
  cluster.stop(holder);
  cluster.set_state(holder, MemberState::left);
  cluster.run(30s);
  for (std::uint8_t content = 1; content < 102; ++content) {
    std::set<std::uint64_t> live = cluster.holders(content);
    live.erase(holder);
    ASSERT_THAT(live, SizeIs(3)) << int{content};
  }
  for (std::uint64_t number = 1; number <= 5; ++number) {
    EXPECT_LE(cluster.transfers_at_once_max(number), 2);
  }
  EXPECT_EQ(pending(), 0u);
  EXPECT_TRUE(cluster.agree());
}

}  // namespace
}  // namespace chisme::cluster
