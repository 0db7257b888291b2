#include "cluster/departure.hpp"

#include <gtest/gtest.h>

#include "cluster/catalogue/catalogue.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr NodeId self{0, 1};
constexpr Digest digest{{7}};

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
    PutRecord const put{"a", Version{1, node(2)}, ByteCount{3}, digest, "text/plain", {}};
    merge({Dot{node(2), Epoch{1}, 1}, put});
  }

  void merge(CatalogueRecord const& record) {
    Effects effects;
    catalogue.merge(record, Instant{}, effects);
  }
  void copy_on(std::uint64_t i) {
    merge({Dot{node(i), Epoch{1}, 1}, HaveRecord{digest, ByteCount{3}}});
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
};

TEST(Departure, DoesNotGoBeforeItIsAsked) {
  Departure departure;
  EXPECT_FALSE(departure.tick(Cluster{}.view(100s)));
  EXPECT_EQ(departure.deadline(), std::nullopt);
}

TEST(Departure, GoesAfterTheNoticeWhenNoCopyIsHere) {
  Departure departure;
  departure.begin(Instant{10s});
  EXPECT_FALSE(departure.tick(Cluster{}.view(10s)));
  EXPECT_EQ(departure.deadline(), Instant{11s});
  EXPECT_TRUE(departure.tick(Cluster{}.view(11s)));
}

TEST(Departure, WaitsUntilItsFilesHaveTheirCopiesOnNodesThatStay) {
  Cluster cluster;
  cluster.catalogue.object_stored({digest, ByteCount{3}});
  cluster.copy_on(2);
  cluster.copy_on(3);
  Departure departure;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s)));
  cluster.copy_on(4);
  EXPECT_FALSE(departure.tick(cluster.view(1100ms)));  // looks again after a while
  EXPECT_TRUE(departure.tick(cluster.view(1200ms)));
}

TEST(Departure, CopiesOnTheDeadAndTheDrainingDoNotCount) {
  Cluster cluster;
  cluster.catalogue.object_stored({digest, ByteCount{3}});
  cluster.copy_on(2);
  cluster.members[1].state = MemberState::dead;
  cluster.members[2].alive.draining = true;
  Departure departure;
  departure.begin(Instant{});
  EXPECT_FALSE(departure.tick(cluster.view(1s)));
  cluster.copy_on(4);  // the only one that stays
  EXPECT_TRUE(departure.tick(cluster.view(2s)));
}

TEST(Departure, TheLastMemberGoesAlone) {
  Cluster cluster;
  cluster.catalogue.object_stored({digest, ByteCount{3}});
  cluster.members.resize(1);
  Departure departure;
  departure.begin(Instant{});
  EXPECT_TRUE(departure.tick(cluster.view(1s)));
}

}  // namespace
}  // namespace chisme::cluster
