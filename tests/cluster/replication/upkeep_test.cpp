#include "cluster/replication/upkeep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/replication/survey.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CoreConfig short_times() {
  CoreConfig config{};
  config.surplus_kept = 5s;
  config.copy_promise = 60s;
  config.unreferenced_kept = 100s;
  config.unreferenced_kept_when_full = 100s;
  return config;
}

// Node 1 of two has an object that is named "a", and one that has no name.
struct UpkeepTest : ::testing::Test {
  UpkeepTest() {
    StoredCatalogue stored;
    stored.records.push_back(
        {dot({2, 1}), PutRecord{"a", {1, node(2)}, ByteCount{1}, digest(1), "", {}}});
    stored.objects = {{digest(1), ByteCount{1}}, {digest(2), ByteCount{1}}};
    catalogue.emplace(node(1), Epoch{2}, std::move(stored), Instant{});
    for (std::uint64_t i = 0; i < 2; ++i) {
      members[i].alive.id = node(i + 1);
      members[i].alive.versions = spoken_versions;
    }
    outages.members_changed(situation(0s));
    for (int content : {1, 2}) {
      upkeep.examine(digest(static_cast<std::uint8_t>(content)), *catalogue, situation(0s));
    }
  }
  Situation situation(Duration at) const {
    return {.now = Instant{} + at,
            .self = node(1),
            .members = members,
            .copies_wanted = 2,
            .copies_durable = 2};
  }
  void ask(Digest const& object, std::uint64_t number, Duration at) {
    Envelope const from{node(2), Epoch{1}, {}, {}};
    upkeep.handle(from, VerifyCopy{number, object}, *catalogue, situation(at), out);
  }
  void tick(Duration at) {
    outages.tick(situation(at));
    upkeep.tick(*catalogue, situation(at), outages, {writes, participant}, out);
    upkeep.saved(SaveId{1000}, *catalogue, situation(at), out);  // the disk is fast
  }
  // Lets time pass without a gap.
  void run(Duration from, Duration until) {
    for (Duration at = from; at <= until; at += 1s) tick(at);
  }
  void verified(Digest const& object, bool intact, Duration at) {
    upkeep.handle(ObjectVerified{object, intact}, *catalogue, situation(at), out);
  }
  template <class Effect>
  std::vector<Effect> all() const {
    std::vector<Effect> found;
    for (auto const& effect : out) {
      if (auto const* const match = std::get_if<Effect>(&effect)) found.push_back(*match);
    }
    return found;
  }
  std::vector<CopyVerified> answers() const {
    std::vector<CopyVerified> answers;
    for (Send const& send : all<Send>()) answers.push_back(std::get<CopyVerified>(send.message));
    return answers;
  }

  std::vector<MemberView> members = std::vector<MemberView>(2);
  std::optional<Catalogue> catalogue;
  Outages outages{short_times(), Instant{}};
  Upkeep upkeep{short_times(), Self{node(1), Epoch{2}, 1, {}, {}, {}, 1}, Instant{}};
  WriteCoordinator writes{10s, Limits{}.writes, Epoch{2}};
  WriteParticipant participant{Limits{}.commits};
  Effects out;
};

TEST_F(UpkeepTest, ACopyIsReadBeforeItIsCalledIntact) {
  ask(digest(1), 7, 1s);
  EXPECT_THAT(answers(), IsEmpty());
  tick(1s);
  ASSERT_THAT(all<VerifyObject>(), SizeIs(1));
  EXPECT_TRUE(all<VerifyObject>()[0].urgent);
  verified(digest(1), true, 2s);
  EXPECT_EQ(answers(), (std::vector<CopyVerified>{{7, digest(1), true}}));
}

TEST_F(UpkeepTest, WhoAsksAgainIsAnsweredAtOnce) {
  ask(digest(1), 7, 1s);
  tick(1s);
  verified(digest(1), true, 2s);
  ask(digest(1), 8, 3s);
  EXPECT_EQ(answers().back(), (CopyVerified{8, digest(1), true}));
  EXPECT_THAT(all<VerifyObject>(), SizeIs(1));
}

TEST_F(UpkeepTest, ACopyThatIsNotIntactIsDroppedAndSaidToBeSo) {
  ask(digest(1), 7, 1s);
  tick(1s);
  verified(digest(1), false, 2s);
  EXPECT_EQ(answers(), (std::vector<CopyVerified>{{7, digest(1), false}}));
  EXPECT_FALSE(catalogue->is_local(digest(1)));
}

TEST_F(UpkeepTest, NothingIsPromisedForAnObjectThatHasNoNameHereOrIsNotHere) {
  ask(digest(2), 7, 1s);
  ask(digest(3), 8, 1s);
  EXPECT_EQ(answers(), (std::vector<CopyVerified>{{7, digest(2), false}, {8, digest(3), false}}));
}

TEST_F(UpkeepTest, NothingIsPromisedWhileTheNodeLeaves) {
  members[0].alive.draining = true;
  ask(digest(1), 7, 1s);
  EXPECT_EQ(answers(), (std::vector<CopyVerified>{{7, digest(1), false}}));
}

TEST_F(UpkeepTest, ASuspectedCopyIsReadAgainAndNobodyIsAnswered) {
  ask(digest(1), 7, 1s);
  tick(1s);
  verified(digest(1), true, 2s);
  ask(digest(1), 0, 3s);
  tick(3s);
  EXPECT_THAT(all<VerifyObject>(), SizeIs(2));
  verified(digest(1), false, 4s);
  EXPECT_THAT(answers(), SizeIs(1));
  EXPECT_FALSE(catalogue->is_local(digest(1)));
}

TEST_F(UpkeepTest, AResultForACopyThatWasReplacedMeanwhileIsNotBelieved) {
  ask(digest(1), 0, 1s);
  tick(1s);
  upkeep.handle(ObjectStored{digest(1), ByteCount{1}}, *catalogue, Instant{} + 2s, out);
  verified(digest(1), false, 3s);
  EXPECT_TRUE(catalogue->is_local(digest(1)));
  tick(3s);
  EXPECT_THAT(all<VerifyObject>(), SizeIs(2)) << "it is read again";
}

TEST(VerifierTest, TheLastCopyReadIsRememberedThoughNotAllAre) {
  Verifier verifier{Limits{.reads_remembered = 1}};
  Effects out;
  for (std::uint8_t content = 1; content <= 2; ++content) {
    Instant const now = Instant{} + content * 1s;
    verifier.add(digest(content), ByteCount{1}, std::nullopt);
    verifier.tick(now, out);
    (void)verifier.finished({digest(content), true}, now);
    EXPECT_TRUE(verifier.is_fresh(digest(content), now));
  }
  EXPECT_FALSE(verifier.is_fresh(digest(1), Instant{} + 2s));
}

TEST_F(UpkeepTest, ANodeThatNeverMeetsAnybodyRemovesWhatHasNoName) {
  members.resize(1);
  outages = Outages{short_times(), Instant{}};
  run(1s, 170s);
  ASSERT_THAT(all<RemoveObject>(), SizeIs(1));
  EXPECT_EQ(all<RemoveObject>()[0].digest, digest(2));
}

TEST_F(UpkeepTest, AnUpgradeIsAReasonToLookAtAllObjects) {
  Survey survey{Instant{}};
  members[1].alive.versions = {.lowest = 1, .current = 1, .highest = 1};
  survey.watch(situation(0s));
  (void)survey.take_due(*catalogue, Instant{});
  EXPECT_FALSE(survey.deadline());
  members[1].alive.versions = spoken_versions;
  survey.watch(situation(1s));
  EXPECT_TRUE(survey.deadline());
}

TEST_F(UpkeepTest, APromiseIsKeptThoughTheNameGoes) {
  run(1s, 90s);
  ask(digest(1), 7, 90s);
  tick(90s);
  verified(digest(1), true, 95s);
  ASSERT_TRUE(answers().back().intact);
  // The name is removed, and somehow the copy has had no name for long.
  Effects ignored;
  catalogue->merge(CatalogueRecord{dot({2, 2}), DeleteRecord{"a", {2, node(2)}, {}}}, Instant{},
                   ignored);
  upkeep.examine(digest(1), *catalogue, situation(0s));
  run(96s, 154s);
  EXPECT_TRUE(catalogue->is_local(digest(1)));
  run(155s, 160s);
  EXPECT_FALSE(catalogue->is_local(digest(1)));
}

TEST_F(UpkeepTest, NothingIsRemovedBeforeWhatAnEarlierRunPromisedIsOver) {
  upkeep.examine(digest(2), *catalogue, situation(-1000s));
  run(0s, 61s);
  EXPECT_THAT(all<RemoveObject>(), IsEmpty());
  run(62s, 120s);
  EXPECT_THAT(all<RemoveObject>(), SizeIs(1));
}

TEST_F(UpkeepTest, ANodeThatSleptHearsTheNewsBeforeItRemovesAnything) {
  run(0s, 90s);
  tick(200s);
  EXPECT_THAT(all<RemoveObject>(), IsEmpty()) << "it is due since 100 s";
  run(200s, 210s);
  EXPECT_THAT(all<RemoveObject>(), SizeIs(1));
}

}  // namespace
}  // namespace chisme::cluster
