#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/placement/rendezvous.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// After a start nothing is removed for that long; then a surplus must have been there a while.
constexpr Duration trimmed = LittleCluster::copy_promise + 2 * LittleCluster::surplus_kept + 2s;

// Seven nodes and a file of five copies, R = 3.
struct Trim : ::testing::Test {
  Trim() {
    cluster.put(1, "a", 1, {1, 2, 3, 4, 5});
    cluster.run(settled);
  }
  // Node numbers, best placed first, of as many nodes.
  std::vector<std::uint64_t> ranked(std::string_view name = "a", std::uint64_t count = 5) const {
    std::vector<MemberView> members(7);
    std::vector<NodeId> ids;
    for (std::uint64_t i = 0; i < 7; ++i) ids.push_back(members[i].alive.id = node(i + 1));
    std::vector<std::uint64_t> numbers;
    for (NodeId const id : rank_holders(placement_key(name), members, ids)) {
      if (id.low <= count) numbers.push_back(id.low);
    }
    return numbers;
  }
  LittleCluster cluster{{.nodes = 7}};
};

TEST_F(Trim, CopiesBeyondRGoFromThoseThatAreLastInRendezvousOrder) {
  auto const order = ranked();
  cluster.run(3 * trimmed);
  EXPECT_EQ(cluster.holders(1), (std::set<std::uint64_t>{order[0], order[1], order[2]}));
  EXPECT_TRUE(cluster.agree());
  EXPECT_EQ(cluster.pending(1), 0u);
}

TEST_F(Trim, NothingGoesBeforeTheSurplusHasBeenThereAWhile) {
  cluster.run(LittleCluster::copy_promise - settled - 1s);
  EXPECT_THAT(cluster.holders(1), SizeIs(5));
  EXPECT_EQ(cluster.sent<VerifyCopy>(), 0);
}

TEST_F(Trim, NothingGoesWhileAMemberIsSuspected) {
  cluster.set_state(7, MemberState::suspect);
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(5));
  cluster.set_state(7, MemberState::alive);
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Trim, NothingGoesWhileADeadNodeIsWaitedFor) {
  cluster.kill(7);
  cluster.run(LittleCluster::repair_delay - 1s);
  EXPECT_THAT(cluster.holders(1), SizeIs(5));
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Trim, ANodeThatReturnsBringsASurplusThatGoes) {
  cluster.run(3 * trimmed);
  ASSERT_THAT(cluster.holders(1), SizeIs(3));
  std::uint64_t const holder = *cluster.holders(1).begin();
  cluster.kill(holder);
  cluster.run(LittleCluster::repair_delay + 3s);
  EXPECT_THAT(cluster.holders(1), SizeIs(4)) << "a copy was made for the dead node's";
  cluster.start(holder);
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Trim, ACopyThatRottedDoesNotCountAndGoesItself) {
  auto const order = ranked();
  cluster.rot(order[0], 1);
  cluster.run(4 * trimmed);
  // The rotten one was found by the question, went to quarantine, and is made again or not needed.
  std::set<std::uint64_t> const left = cluster.holders(1);
  EXPECT_THAT(left, SizeIs(3));
  EXPECT_THAT(cluster.verified(order[0]), Not(IsEmpty()));
  EXPECT_TRUE(cluster.agree());
}

TEST_F(Trim, WithRottenWitnessesTheLastWholeCopiesStay) {
  // Of five copies three are rotten: the whole ones must both be left, whoever they are.
  auto const order = ranked();
  for (int i : {0, 1, 2}) cluster.rot(order[static_cast<std::size_t>(i)], 1);
  cluster.run(10s);
  EXPECT_THAT(cluster.holders(1), Contains(order[3]));
  EXPECT_THAT(cluster.holders(1), Contains(order[4]));
  cluster.run(4 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Trim, OldNodesAreNotAskedAndDoNotCount) {
  auto const order = ranked();
  for (std::size_t const i : {0u, 1u}) cluster.set_versions(order[i], {1, 1, 1});
  cluster.run(3 * trimmed);
  // Of the five only three can promise anything: two others are not enough for the last to go.
  EXPECT_THAT(cluster.holders(1), SizeIs(5));
  EXPECT_EQ(cluster.sent<VerifyCopy>(), 0);
}

TEST_F(Trim, AllCopiesBeyondRGoAtTheSameTime) {
  cluster.put(1, "everywhere", 2, {1, 2, 3, 4, 5, 6, 7});
  cluster.run(trimmed);
  EXPECT_THAT(cluster.holders(2), SizeIs(3));
  EXPECT_TRUE(cluster.agree());
}

TEST_F(Trim, WhoTrimsNeedsNobodyWhoTrims) {
  cluster.put(1, "everywhere", 2, {1, 2, 3, 4, 5, 6, 7});
  // These are not asked: of the others three keep their copies, for the last two.
  auto const order = ranked("everywhere", 7);
  for (std::size_t const i : {0u, 1u}) cluster.set_versions(order[i], {1, 1, 1});
  cluster.run(trimmed);
  std::set<std::uint64_t> const left{order.begin(), order.begin() + 5};
  EXPECT_EQ(cluster.holders(2), left);
}

TEST_F(Trim, TheSameObjectStoredAgainPutsItOff) {
  auto const order = ranked();
  for (int i = 0; i < 20; ++i) {
    cluster.run(LittleCluster::surplus_kept / 2);
    for (std::uint64_t const number : cluster.holders(1)) cluster.store(number, 1);
  }
  EXPECT_THAT(cluster.holders(1), SizeIs(5));
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

TEST_F(Trim, ManySurplusCopiesAllGo) {
  for (std::uint8_t content = 2; content < 60; ++content) {
    cluster.put(1, "file " + std::to_string(content), content, {1, 2, 3, 4, 5});
  }
  cluster.run(6 * trimmed);
  for (std::uint8_t content = 1; content < 60; ++content) {
    EXPECT_THAT(cluster.holders(content), SizeIs(3)) << int{content};
  }
  EXPECT_TRUE(cluster.agree());
}

TEST_F(Trim, ACopyThatArrivesWhileTheOldOneGoesIsReadBeforeItCounts) {
  auto const order = ranked();
  std::uint64_t const last = order[4];
  cluster.stall_chores(last, true);
  for (std::size_t const i : {0u, 1u, 2u, 3u}) cluster.stall_chores(order[i], false);
  cluster.run(3 * trimmed);
  ASSERT_THAT(cluster.holders(1), Contains(last)) << "the removal is under way";
  cluster.store(last, 1);
  cluster.stall_chores(last, false);
  cluster.run(1s);
  EXPECT_THAT(cluster.holders(1), Not(Contains(last)));
  EXPECT_TRUE(cluster.agree());
  cluster.run(3 * trimmed);
  EXPECT_THAT(cluster.holders(1), SizeIs(3));
}

// ---- The trimmer alone --------------------------------------------------------------------------

struct LoneTrimmer : ::testing::Test {
  LoneTrimmer() {
    StoredCatalogue stored;
    stored.records.push_back(
        {dot({1, 1}), PutRecord{"a", {1, node(1)}, ByteCount{1}, object, "", {}}});
    for (std::uint64_t holder = 1; holder <= 4; ++holder) {
      stored.records.push_back({dot({holder, 2}), HaveRecord{object, ByteCount{1}}});
    }
    stored.objects.push_back({object, ByteCount{1}});
    for (std::uint64_t i = 0; i < 4; ++i) {
      members[i].alive.id = node(i + 1);
      members[i].alive.peer.port = static_cast<std::uint16_t>(i + 1);
      members[i].alive.versions = spoken_versions;
      ids.push_back(node(i + 1));
    }
    order = rank_holders(placement_key("a"), members, ids);
    catalogue.emplace(order.back(), Epoch{5}, std::move(stored), Instant{});
  }
  Situation situation(Duration at) const {
    return {.now = Instant{} + at,
            .self = order.back(),
            .members = members,
            .copies_wanted = 3,
            .copies_durable = 2};
  }
  // Moves it on; answers nothing.
  std::optional<Digest> tick(Duration at) {
    out.clear();
    auto const spare = trimmer.tick(*catalogue, situation(at), out);
    for (Effect const& effect : out) {
      auto const& send = std::get<Send>(effect);
      asked[node(send.to.port)] = std::get<VerifyCopy>(send.message).number;
    }
    return spare;
  }
  void answer(NodeId from, bool intact) {
    trimmer.handle(from, CopyVerified{asked.at(from), object, intact});
  }
  Digest object = digest(1);
  std::vector<MemberView> members = std::vector<MemberView>(4);
  std::vector<NodeId> ids;
  std::vector<NodeId> order;
  std::optional<Catalogue> catalogue;
  Trimmer trimmer{CoreConfig{}, Epoch{5}};
  std::map<NodeId, std::uint64_t> asked;
  Effects out;
};

TEST_F(LoneTrimmer, LetsTheCopyGoWhenRHaveAnswered) {
  trimmer.examine(object, *catalogue, situation(0s));
  EXPECT_EQ(trimmer.deadline(), Instant{} + 60s);
  EXPECT_FALSE(tick(59s));
  EXPECT_THAT(asked, IsEmpty());
  EXPECT_FALSE(tick(60s));
  EXPECT_THAT(asked, SizeIs(3));
  answer(order[0], true);
  answer(order[1], true);
  EXPECT_FALSE(tick(65s));
  answer(order[2], true);
  EXPECT_EQ(tick(69s), object);
}

TEST_F(LoneTrimmer, AnAnswerThatTookTooLongIsAskedForAgain) {
  trimmer.examine(object, *catalogue, situation(0s));
  tick(60s);
  answer(order[0], true);
  answer(order[1], true);
  answer(order[2], true);
  EXPECT_FALSE(tick(70s)) << "the promises may be ten seconds old";
  EXPECT_THAT(out, SizeIs(3));
  for (int i : {0, 1, 2}) answer(order[static_cast<std::size_t>(i)], true);
  EXPECT_EQ(tick(71s), object);
}

TEST_F(LoneTrimmer, WhoDoesNotAnswerIsAskedAgain) {
  trimmer.examine(object, *catalogue, situation(0s));
  tick(60s);
  answer(order[0], true);
  EXPECT_EQ(trimmer.deadline(), Instant{} + 70s);
  EXPECT_FALSE(tick(70s));
  EXPECT_THAT(out, SizeIs(2)) << "what was asked at first, or the answer, may be lost";
  answer(order[1], true);
  answer(order[2], true);
  EXPECT_FALSE(tick(71s));
  EXPECT_THAT(out, SizeIs(1)) << "the first answer is too old by now";
  answer(order[0], true);
  EXPECT_EQ(tick(72s), object);
}

TEST_F(LoneTrimmer, AnAnswerToAnEarlierQuestionDoesNotCount) {
  trimmer.examine(object, *catalogue, situation(0s));
  tick(60s);
  auto const first = asked;
  for (int i : {0, 1, 2}) answer(order[static_cast<std::size_t>(i)], true);
  EXPECT_FALSE(tick(75s));
  for (auto const& [id, number] : first) trimmer.handle(id, CopyVerified{number, object, true});
  EXPECT_FALSE(tick(76s));
}

TEST_F(LoneTrimmer, OneRefusalAmongJustEnoughHoldersEndsIt) {
  trimmer.examine(object, *catalogue, situation(0s));
  tick(60s);
  answer(order[0], true);
  answer(order[1], false);
  answer(order[2], true);
  EXPECT_FALSE(tick(61s));
  EXPECT_FALSE(trimmer.is_trimming(object));
  EXPECT_EQ(trimmer.deadline(), Instant{} + 121s) << "later it is tried again";
}

TEST_F(LoneTrimmer, WhatChangedMeanwhileIsSeenBeforeItDecides) {
  trimmer.examine(object, *catalogue, situation(0s));
  tick(60s);
  for (int i : {0, 1, 2}) answer(order[static_cast<std::size_t>(i)], true);
  Effects ignored;
  catalogue->merge(CatalogueRecord{{order[0], Epoch{1}, 9}, DropRecord{object}}, Instant{},
                   ignored);
  EXPECT_FALSE(tick(61s));
}

}  // namespace
}  // namespace chisme::cluster
