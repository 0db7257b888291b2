#include "cluster/replication/disposal.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace chisme::cluster {
namespace {

constexpr NodeId self{0, 1};
constexpr NodeId other{0, 2};
Digest const digest = [] {
  Digest made;
  made.bytes.fill(7);
  return made;
}();

Catalogue with_a_copy() {
  StoredCatalogue stored;
  stored.objects.push_back({digest, ByteCount{5}});
  return Catalogue{self, Epoch{1}, std::move(stored), Instant{}};
}

// Another node's write names the object.
void name_it(Catalogue& catalogue, Effects& out) {
  PutRecord const put{"file",    Version{1u << 20, other}, ByteCount{5}, digest, "text/plain",
                      WallTime{}};
  catalogue.merge(CatalogueRecord{Dot{other, Epoch{1}, 1}, put}, Instant{}, out);
}

// Drops the copy, has `meanwhile` happen, and makes the Drop durable.
template <class Meanwhile>
bool is_removed(Disposal::Reason reason, Catalogue& catalogue, Meanwhile meanwhile) {
  Disposal disposal;
  Effects out;
  disposal.begin(digest, reason, catalogue, out);
  meanwhile(out);
  SaveId const save = catalogue.save(out);
  catalogue.saved(save);
  disposal.saved(save, catalogue, out);
  return std::ranges::any_of(
      out, [](Effect const& effect) { return std::holds_alternative<RemoveObject>(effect); });
}

TEST(Disposal, RemovesTheBytesOnceTheDropIsDurable) {
  Catalogue catalogue = with_a_copy();
  EXPECT_TRUE(is_removed(Disposal::Reason::unreferenced, catalogue, [](Effects&) {}));
  EXPECT_FALSE(catalogue.is_local(digest));
}

TEST(Disposal, KeepsAnUnreferencedCopyThatANameComesToReferTo) {
  Catalogue catalogue = with_a_copy();
  EXPECT_FALSE(is_removed(Disposal::Reason::unreferenced, catalogue,
                          [&](Effects& out) { name_it(catalogue, out); }));
  EXPECT_TRUE(catalogue.is_local(digest));
  EXPECT_TRUE(catalogue.holding(digest, self));
}

TEST(Disposal, RemovesASurplusCopyWhateverNamesItHas) {
  Catalogue catalogue = with_a_copy();
  EXPECT_TRUE(is_removed(Disposal::Reason::surplus, catalogue,
                         [&](Effects& out) { name_it(catalogue, out); }));
}

}  // namespace
}  // namespace chisme::cluster
