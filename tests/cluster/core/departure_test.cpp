#include "cluster/departure.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>

#include "cluster/catalogue/catalogue.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr NodeId self{0, 1};
constexpr Digest file_digest{{7}};
constexpr Duration patience = 10min;

NodeId node(std::uint64_t i) {
  return NodeId{0, i};
}

// A member's view of a cluster of four with one file.
struct Cluster {
  Cluster() : catalogue(self, Epoch{1}, {}, Instant{}) {
    for (std::uint64_t i = 1; i <= 4; ++i) {
      MemberView member;
      member.alive.id = node(i);
      member.alive.draining = i == 1;
      member.self = i == 1;
      members.push_back(member);
    }
    PutRecord const put{"a", Version{1, node(2)}, ByteCount{3}, file_digest, "text/plain", {}};
    merge({Dot{node(2), Epoch{1}, 1}, put});
  }

  void merge(CatalogueRecord const& record) {
    Effects effects;
    catalogue.merge(record, Instant{}, effects);
  }
  // One more file, of which a copy is here.
  void put(std::string const& name, Digest const& what) {
    PutRecord const record{name, Version{1, node(2)}, ByteCount{3}, what, "text/plain", {}};
    merge({Dot{node(2), Epoch{1}, ++names}, record});
    catalogue.object_stored({what, ByteCount{3}});
  }
  void copy_on(std::uint64_t i, Digest const& what = file_digest) {
    merge({Dot{node(i), Epoch{1}, ++sequences[i]}, HaveRecord{what, ByteCount{3}}});
  }
  void copies_on(std::initializer_list<std::uint64_t> nodes, Digest const& what = file_digest) {
    for (std::uint64_t const i : nodes) copy_on(i, what);
  }
  ClusterView view(Duration at) const {
    ClusterView view;
    view.self = self;
    view.at = Instant{at};
    view.members = members;
    view.catalogue = catalogue.snapshot();
    view.copies_wanted = 3;
    return view;
  }

  std::vector<MemberView> members;
  Catalogue catalogue;
  std::map<std::uint64_t, std::uint64_t> sequences;  // of the holdings
  std::uint64_t names = 1;
};

TEST(Departure, DoesNotGoBeforeItIsAsked) {
  Departure departure{patience};
  Effects out;
  EXPECT_FALSE(departure.tick(Cluster{}.view(100s), out));
  EXPECT_EQ(departure.deadline(), std::nullopt);
}

TEST(Departure, GoesAfterTheNoticeWhenNoCopyIsHere) {
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{10s});
  EXPECT_FALSE(departure.tick(Cluster{}.view(10s), out));
  EXPECT_EQ(departure.deadline(), Instant{11s});
  EXPECT_TRUE(departure.tick(Cluster{}.view(11s), out));
}

TEST(Departure, WaitsUntilItsFilesHaveTheirCopiesOnNodesThatStay) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  cluster.copy_on(2);
  cluster.copy_on(3);
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out));
  cluster.copy_on(4);
  EXPECT_FALSE(departure.tick(cluster.view(1100ms), out));  // looks again after a while
  EXPECT_TRUE(departure.tick(cluster.view(1200ms), out));
}

TEST(Departure, CopiesOnTheDeadAndTheDrainingDoNotCount) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  cluster.copy_on(2);
  cluster.members[1].state = MemberState::dead;
  cluster.members[2].alive.draining = true;
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out));
  cluster.copy_on(4);  // the only one that stays
  EXPECT_TRUE(departure.tick(cluster.view(2s), out));
}

TEST(Departure, ASuspectIsWaitedForUntilItLivesOrIsDead) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  cluster.copies_on({2, 3});
  cluster.members[3].state = MemberState::suspect;
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out)) << "it may take the third copy";
  cluster.members[3].state = MemberState::dead;
  EXPECT_TRUE(departure.tick(cluster.view(2s), out));
}

// Of the files here "a" has its copies elsewhere, and "b" has none.
void pass_a(Departure& departure, Cluster& cluster) {
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  cluster.put("b", Digest{{8}});
  cluster.copies_on({2, 3, 4});
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out));
}

TEST(Departure, WhatWasHandedOverIsLookedAtAgainWhenItsHolderDies) {
  Cluster cluster;
  Departure departure{patience};
  Effects out;
  pass_a(departure, cluster);
  cluster.copies_on({2, 3}, Digest{{8}});
  cluster.members.push_back(cluster.members.back());
  cluster.members.back().alive.id = node(5);
  cluster.members[3].state = MemberState::dead;
  cluster.copy_on(5, Digest{{8}});
  EXPECT_FALSE(departure.tick(cluster.view(1200ms), out)) << "one of a's copies is gone";
  cluster.copy_on(5);
  EXPECT_TRUE(departure.tick(cluster.view(1400ms), out));
}

TEST(Departure, AWalkInWhichAHolderDiesBeginsAnew) {
  Cluster cluster;
  cluster.members.push_back(cluster.members.back());
  cluster.members.back().alive.id = node(5);
  for (std::size_t i = 1; i < Departure::slice; ++i) {  // "a" is the first
    cluster.put("first" + std::to_string(i), Digest{{8}});
  }
  cluster.put("last", Digest{{9}});
  cluster.copies_on({2, 3, 4}, Digest{{8}});
  cluster.copies_on({2, 3, 5}, Digest{{9}});
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out)) << "there is one more";
  cluster.members[3].state = MemberState::dead;
  EXPECT_FALSE(departure.tick(cluster.view(1200ms), out)) << "the first lost a copy";
  EXPECT_FALSE(departure.tick(cluster.view(1400ms), out));
  EXPECT_FALSE(departure.tick(cluster.view(1600ms), out));
}

TEST(Departure, WhatLostACopyMeanwhileIsLookedAtAgain) {
  Cluster cluster;
  Departure departure{patience};
  Effects out;
  pass_a(departure, cluster);
  cluster.copies_on({2, 3, 4}, Digest{{8}});
  cluster.merge({Dot{node(4), Epoch{1}, ++cluster.sequences[4]}, DropRecord{file_digest}});
  EXPECT_FALSE(departure.tick(cluster.view(1200ms), out));
  EXPECT_FALSE(departure.tick(cluster.view(1400ms), out)) << "a has lost one";
  cluster.copy_on(4);
  EXPECT_TRUE(departure.tick(cluster.view(1600ms), out));
}

TEST(Departure, TheLastMemberGoesAlone) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  cluster.members.resize(1);
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_TRUE(departure.tick(cluster.view(1s), out));
}

std::vector<DepartureReport> reports(Effects const& effects) {
  std::vector<DepartureReport> found;
  for (Effect const& effect : effects) {
    found.push_back(std::get<DepartureReport>(std::get<Announce>(effect).event));
  }
  return found;
}

// Ticks until it goes, and returns when that was; nothing if it does not within `limit`.
std::optional<Duration> goes(Departure& departure, Cluster const& cluster, Duration limit,
                             Effects& out) {
  while (departure.deadline() && *departure.deadline() <= Instant{limit}) {
    Instant const now = *departure.deadline();
    if (departure.tick(cluster.view(now - Instant{}), out)) return now - Instant{};
  }
  return std::nullopt;
}

TEST(Departure, ReportsWhatIsLeftNowAndThenAndGivesUpWithoutProgress) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  auto const gone = goes(departure, cluster, 1h, out);
  ASSERT_TRUE(gone.has_value());
  EXPECT_GE(*gone, patience);
  EXPECT_LE(*gone, patience + 2s);
  auto const said = reports(out);
  ASSERT_GE(said.size(), 10u);
  EXPECT_LE(said.size(), 21u);
  for (DepartureReport const& report : said) EXPECT_EQ(report.files_left, 1u);
  EXPECT_FALSE(said.front().leaves_anyway);
  EXPECT_TRUE(said.back().leaves_anyway);
  EXPECT_EQ(departure.deadline(), std::nullopt);
}

TEST(Departure, GoesAtOnceWhenItIsAskedASecondTimeAndSaysWhatIsLeft) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s), out));
  departure.hurry(Instant{1100ms});
  EXPECT_TRUE(departure.tick(cluster.view(1100ms), out));
  ASSERT_EQ(reports(out).size(), 1u);
  EXPECT_EQ(reports(out)[0].files_left, 1u);
  EXPECT_TRUE(reports(out)[0].leaves_anyway);
}

TEST(Departure, ProgressIsGivenMoreTime) {
  Cluster cluster;
  cluster.catalogue.object_stored({file_digest, ByteCount{3}});
  for (std::uint8_t i = 0; i < 3; ++i) cluster.put("more" + std::to_string(i), Digest{{i}});
  Departure departure{patience};
  Effects out;
  departure.begin(Instant{});
  for (std::uint8_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(goes(departure, cluster, (i + 1) * 9min, out).has_value());
    for (std::uint64_t to = 2; to <= 4; ++to) cluster.copy_on(to, Digest{{i}});
  }
  EXPECT_FALSE(goes(departure, cluster, 36min, out).has_value());
  for (DepartureReport const& report : reports(out)) EXPECT_FALSE(report.leaves_anyway);
  cluster.copy_on(2);
  cluster.copy_on(3);
  cluster.copy_on(4);
  EXPECT_TRUE(goes(departure, cluster, 37min, out).has_value());
  EXPECT_FALSE(reports(out).back().leaves_anyway);
}

}  // namespace
}  // namespace chisme::cluster
