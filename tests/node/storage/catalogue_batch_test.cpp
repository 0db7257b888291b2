#include "node/storage/catalogue_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/catalogue/records.hpp"

namespace chisme::node {
namespace {

using namespace cluster::testing;
using cluster::LogKind;
using cluster::SaveCatalogue;
using cluster::SaveId;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

SaveCatalogue save(std::uint64_t id, std::vector<cluster::CatalogueRecord> records) {
  SaveCatalogue save;
  save.save = SaveId{id};
  save.records = std::move(records);
  return save;
}

TEST(CatalogueBatch, OfWhatIsToldManyTimesTheLastWordIsKept) {
  CatalogueBatch batch;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    auto next = save(i, {put({1, i}, "a", i), have({2, i}), drop({2, i, 2})});
    next.positions = {{cluster::testing::node(1), LogKind::names, Epoch{1}, i}};
    batch.add(std::move(next));
  }
  EXPECT_EQ(batch.records(), 2u);
  auto const saves = batch.take();
  ASSERT_THAT(saves, SizeIs(1));
  EXPECT_EQ(saves[0].save, SaveId{10'000});
  EXPECT_THAT(saves[0].records,
              UnorderedElementsAre(put({1, 10'000}, "a", 10'000), drop({2, 10'000, 2})));
  ASSERT_THAT(saves[0].positions, SizeIs(1));
  EXPECT_EQ(saves[0].positions[0].sequence, 10'000u);
  EXPECT_TRUE(batch.empty());
}

TEST(CatalogueBatch, WhatComesLateDoesNotReplaceWhatIsNewer) {
  CatalogueBatch batch;
  batch.add(save(1, {removal({1, 7}, "a", 9), have({2, 5}), put({1, 1}, "b", 1)}));
  batch.add(save(2, {put({2, 1}, "a", 8), have({2, 4}), have({3, 1})}));
  EXPECT_THAT(batch.take()[0].records,
              UnorderedElementsAre(removal({1, 7}, "a", 9), put({1, 1}, "b", 1), have({2, 5}),
                                   have({3, 1})));
}

TEST(CatalogueBatch, WhatIsForgottenIsForgottenBetweenWhatCameBeforeAndAfter) {
  CatalogueBatch batch;
  batch.add(save(1, {put({1, 1}, "a", 5)}));
  auto forgets = save(2, {});
  forgets.forgotten = {put({1, 1}, "a", 5)};
  batch.add(std::move(forgets));
  batch.add(save(3, {put({2, 1}, "a", 3)}));
  batch.add(save(4, {put({2, 2}, "b", 4)}));
  auto const saves = batch.take();
  ASSERT_THAT(saves, SizeIs(2));
  EXPECT_THAT(saves[0].records, SizeIs(1));
  EXPECT_THAT(saves[0].forgotten, SizeIs(1));
  EXPECT_EQ(saves[0].save, SaveId{2});
  EXPECT_THAT(saves[1].records, SizeIs(2));
  EXPECT_THAT(saves[1].forgotten, IsEmpty());
  EXPECT_EQ(saves[1].save, SaveId{4});
}

}  // namespace
}  // namespace chisme::node
