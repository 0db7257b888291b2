#include "cluster/replication/disposal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace chisme::cluster {
namespace {

constexpr NodeId self{0, 1};
constexpr NodeId neighbour{0, 2};
Digest const disposed = [] {
  Digest made;
  made.bytes.fill(7);
  return made;
}();

Catalogue with_a_copy() {
  StoredCatalogue stored;
  stored.objects.push_back({disposed, ByteCount{5}});
  return Catalogue{self, Epoch{1}, std::move(stored), Instant{}};
}

// Another node's write names the object.
void name_it(Catalogue& catalogue, Effects& out) {
  PutRecord const put{"file",    Version{1u << 20, neighbour}, ByteCount{5}, disposed, "text/plain",
                      WallTime{}};
  catalogue.merge(CatalogueRecord{Dot{neighbour, Epoch{1}, 1}, put}, Instant{}, out);
}

// This node and `alive` others; three copies are wanted.
std::vector<MemberView> members(std::uint64_t alive) {
  std::vector<MemberView> made;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    MemberView member;
    member.alive.id = NodeId{0, i};
    member.state = i <= 1 + alive ? MemberState::alive : MemberState::dead;
    made.push_back(member);
  }
  return made;
}

// All others hold it too.
void spread_it(Catalogue& catalogue, Effects& out) {
  for (std::uint64_t i = 2; i <= 4; ++i) {
    catalogue.merge(
        CatalogueRecord{Dot{NodeId{0, i}, Epoch{1}, 9}, HaveRecord{disposed, ByteCount{5}}},
        Instant{}, out);
  }
}

// Drops the copy, has `meanwhile` happen, and makes the Drop durable when so many others are alive.
template <class Meanwhile>
bool is_removed(Disposal::Reason reason, Catalogue& catalogue, Meanwhile meanwhile,
                std::uint64_t alive = 3) {
  Disposal disposal{Limits{}.removals};
  Effects out;
  disposal.begin(disposed, reason, catalogue, out);
  meanwhile(out);
  SaveId const save = catalogue.save(out);
  catalogue.saved(save);
  std::vector<MemberView> const seen = members(alive);
  Situation const situation{
      .now = {}, .self = self, .members = seen, .copies_wanted = 3, .copies_durable = 2};
  disposal.saved(save, catalogue, situation, out);
  return std::ranges::any_of(
      out, [](Effect const& effect) { return std::holds_alternative<RemoveObject>(effect); });
}

TEST(Disposal, RemovesTheBytesOnceTheDropIsDurable) {
  Catalogue catalogue = with_a_copy();
  EXPECT_TRUE(is_removed(Disposal::Reason::unreferenced, catalogue, [](Effects&) {}));
  EXPECT_FALSE(catalogue.is_local(disposed));
}

TEST(Disposal, KeepsAnUnreferencedCopyThatANameComesToReferTo) {
  Catalogue catalogue = with_a_copy();
  EXPECT_FALSE(is_removed(Disposal::Reason::unreferenced, catalogue,
                          [&](Effects& out) { name_it(catalogue, out); }));
  EXPECT_TRUE(catalogue.is_local(disposed));
  EXPECT_TRUE(catalogue.holding(disposed, self));
}

TEST(Disposal, RemovesASurplusCopyWhateverNamesItHas) {
  Catalogue catalogue = with_a_copy();
  EXPECT_TRUE(is_removed(Disposal::Reason::surplus, catalogue, [&](Effects& out) {
    name_it(catalogue, out);
    spread_it(catalogue, out);
  }));
}

TEST(Disposal, KeepsASurplusCopyWhenAHolderDiesWhileTheDropIsSaved) {
  Catalogue catalogue = with_a_copy();
  auto const meanwhile = [&](Effects& out) {
    name_it(catalogue, out);
    spread_it(catalogue, out);
  };
  EXPECT_FALSE(is_removed(Disposal::Reason::surplus, catalogue, meanwhile, 2));
  EXPECT_TRUE(catalogue.is_local(disposed));
  EXPECT_TRUE(catalogue.holding(disposed, self));
}

}  // namespace
}  // namespace chisme::cluster
