#include "node/prefix_quotas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "cluster/catalogue/catalogue.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::node {
namespace {

namespace quota_records = cluster::testing;
using testing::HasSubstr;

// Files of ten bytes each.
std::shared_ptr<cluster::ClusterView const> view_with(std::vector<std::string> const& names) {
  auto view = std::make_shared<cluster::ClusterView>();
  cluster::StoredCatalogue stored;
  std::uint64_t sequence = 0;
  for (std::string const& name : names) {
    stored.records.push_back(quota_records::put({.sequence = ++sequence}, name, 1));
  }
  view->catalogue = cluster::Catalogue{NodeId{0, 9}, Epoch{1}, stored, Instant{}}.snapshot();
  return view;
}

// Of "films/" 30 of 35 bytes are used, of "films/new/" 10 of 12.
class Quotas : public testing::Test {
 protected:
  using Wish = PrefixQuotas::Wish;
  using Taken = Result<std::shared_ptr<PrefixQuotas::Claim>>;

  void SetUp() override { count(Instant::max()); }
  void count(Instant now) {
    std::promise<void> counted;
    quotas_.count(now, [&] { counted.set_value(); });
    counted.get_future().wait();
  }
  Taken claim(std::string name, std::uint64_t size) {
    return quotas_.claim({.name = std::move(name), .size = ByteCount{size}});
  }
  std::uint64_t used(std::size_t quota = 0) { return quotas_.uses()[quota].used.value(); }

  PrefixQuotas::View view_ = view_with({"films/a", "films/b", "films/new/c", "film", "other"});
  PrefixQuotas quotas_{{{"films/", ByteCount{35}}, {"films/new/", ByteCount{12}}},
                       [this] { return view_; }};
};

TEST_F(Quotas, CountTheFilesThatAreUnderThem) {
  EXPECT_EQ(used(0), 30u);
  EXPECT_EQ(used(1), 10u);
  EXPECT_TRUE(quotas_.concern("films/x"));
  EXPECT_FALSE(quotas_.concern("film"));
  EXPECT_FALSE(
      quotas_.concern("\x01"
                      "films/x"));
}

TEST_F(Quotas, WhatDoesNotFitIsRefusedWithASentence) {
  auto const refused = claim("films/d", 6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::no_space);
  EXPECT_EQ(refused.error().message,
            "the files whose names begin with \"films/\" may have 35 bytes together and have 30 of "
            "them: 6 more do not fit");
  EXPECT_EQ(quotas_.refused(), 1u);
  EXPECT_EQ(used(), 30u);
  EXPECT_TRUE(claim("films/d", 5));
  EXPECT_TRUE(claim("film", 1000));
}

TEST_F(Quotas, WhatIsArrivingCountsUntilItIsGone) {
  auto first = claim("films/d", 5);
  ASSERT_TRUE(first);
  EXPECT_EQ(used(), 35u);
  EXPECT_FALSE(claim("films/e", 1));
  first->reset();
  EXPECT_EQ(used(), 30u);
  EXPECT_TRUE(claim("films/e", 1));
}

TEST_F(Quotas, OverwritingCountsTheDifference) {
  EXPECT_TRUE(claim("films/a", 15));
  EXPECT_FALSE(claim("films/a", 16));
  auto const replaced = claim("films/a", 15);
  ASSERT_TRUE(replaced);
  (*replaced)->stored(ByteCount{15});
  EXPECT_EQ(used(), 35u);
}

TEST_F(Quotas, AFileMayBecomeSmallerWhereTooMuchIsUsed) {
  quotas_.change({{"films/", ByteCount{20}}});
  count(Instant::max());
  EXPECT_EQ(used(), 30u);
  EXPECT_TRUE(claim("films/a", 9));
  EXPECT_TRUE(claim("films/a", 10));
  EXPECT_FALSE(claim("films/a", 11));
  EXPECT_FALSE(claim("films/z", 1));
}

TEST_F(Quotas, EachOfSeveralHolds) {
  auto const inner = claim("films/new/d", 3);
  ASSERT_FALSE(inner);
  EXPECT_THAT(inner.error().message, HasSubstr("\"films/new/\""));
  auto const both = claim("films/new/d", 2);
  ASSERT_TRUE(both);
  EXPECT_EQ(used(0), 32u);
  EXPECT_EQ(used(1), 12u);
}

TEST_F(Quotas, OfAFileOfUnknownLengthIsClaimedWhatCame) {
  auto const arriving = claim("films/d", 0);
  ASSERT_TRUE(arriving);
  EXPECT_TRUE((*arriving)->grow(ByteCount{3}));
  EXPECT_TRUE((*arriving)->grow(ByteCount{5}));
  auto const over = (*arriving)->grow(ByteCount{7});
  ASSERT_FALSE(over);
  EXPECT_THAT(over.error().message, HasSubstr("have 30 of them: 7 more"));
  EXPECT_EQ(used(), 35u);
}

TEST_F(Quotas, PartsCountForTheirFile) {
  auto const part = quotas_.claim({.name = "films/d", .size = {}, .before = ByteCount{3}});
  ASSERT_TRUE(part);
  EXPECT_TRUE((*part)->grow(ByteCount{2}));
  EXPECT_FALSE((*part)->grow(ByteCount{3}));
}

TEST_F(Quotas, WhatWasAcknowledgedCountsUntilACountHasIt) {
  {
    auto const claimed = claim("films/d", 5);
    ASSERT_TRUE(claimed);
    (*claimed)->stored(ByteCount{5});
  }
  EXPECT_EQ(used(), 35u);
  EXPECT_FALSE(claim("films/e", 1));
  view_ = view_with({"films/a", "films/d"});
  count(Instant::max());
  EXPECT_EQ(used(), 20u);
}

TEST_F(Quotas, WhatWasRemovedHereMakesRoomAtOnce) {
  quotas_.removed("films/a", ByteCount{10});
  EXPECT_EQ(used(), 20u);
  EXPECT_TRUE(claim("films/d", 15));
}

TEST_F(Quotas, WhatMovesWithinNeedsNoRoom) {
  Wish const within{.name = "films/z", .size = ByteCount{10}, .instead_of = "films/a"};
  EXPECT_TRUE(quotas_.claim(within));
  Wish const from_elsewhere{.name = "films/z", .size = ByteCount{10}, .instead_of = "other"};
  EXPECT_FALSE(quotas_.claim(from_elsewhere));
}

TEST_F(Quotas, WhatIsAcknowledgedAlreadyIsNotRefused) {
  EXPECT_TRUE(quotas_.claim({.name = "films/d", .size = ByteCount{50}, .is_acknowledged = true}));
}

TEST_F(Quotas, ACountIsKeptForAMomentAndAsLongAsNothingChanges) {
  view_ = view_with({"films/a"});
  count(Instant{});
  EXPECT_EQ(used(), 30u);
  count(Instant::max());
  EXPECT_EQ(used(), 10u);
  quotas_.removed("films/a", ByteCount{10});  // as a view says that came after the count
  count(Instant{});
  EXPECT_EQ(used(), 0u);
  count(Instant::max());
  EXPECT_EQ(used(), 10u);
}

TEST_F(Quotas, ThatChangeHaveCountsOfTheirOwn) {
  auto const arriving = claim("films/d", 5);
  ASSERT_TRUE(arriving);
  quotas_.change({{"o", ByteCount{100}}});
  EXPECT_FALSE(quotas_.concern("films/x"));
  count(Instant{});
  EXPECT_EQ(used(), 10u);
  (*arriving)->stored(ByteCount{5});  // of those that were
  EXPECT_EQ(used(), 10u);
}

}  // namespace
}  // namespace chisme::node
