#include "node/storage/quota.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/node/storage/stored_objects.hpp"

namespace chisme::node {
namespace {

TEST(Quota, ClaimsCountAtOnceAndComeBackWithTheirOwner) {
  auto const quota = std::make_shared<Quota>(ByteCount{100});
  QuotaClaim first{quota};
  ASSERT_TRUE(first.grow(60, {}));
  {
    QuotaClaim second{quota};
    ASSERT_TRUE(second.grow(40, {}));
    EXPECT_EQ(second.grow(41, {}).error().fault, Fault::no_space);
    EXPECT_EQ(quota->used(), ByteCount{100});
  }
  EXPECT_EQ(quota->used(), ByteCount{60});
  EXPECT_EQ(first.grow(61, ByteCount{40}).error().fault, Fault::no_space);
  EXPECT_TRUE(first.grow(60, ByteCount{1000})) << "it has that already";
}

TEST(Quota, WhatIsArrivingHasABoundOfItsOwn) {
  auto const quota = std::make_shared<Quota>(std::nullopt, ByteCount{100});
  quota->add(ByteCount{1000});
  QuotaClaim first{quota};
  ASSERT_TRUE(first.grow(60, {}));
  {
    QuotaClaim second{quota};
    EXPECT_EQ(second.grow(41, {}).error().fault, Fault::busy);
    ASSERT_TRUE(second.grow(40, {}));
    EXPECT_EQ(first.grow(61, {}).error().fault, Fault::busy);
    EXPECT_FALSE(second.grow(~std::uint64_t{0}, {}));
  }
  EXPECT_TRUE(first.grow(100, {}));
  EXPECT_EQ(quota->used(), ByteCount{1100});
}

TEST(Quota, NumbersThatWouldOverflowDoNotFit) {
  Quota quota{ByteCount{100}};
  ByteCount const most{~std::uint64_t{0}};
  EXPECT_FALSE(quota.claim(most, {}));
  EXPECT_FALSE(quota.claim(ByteCount{1}, most));
  quota.add(ByteCount{500});
  EXPECT_FALSE(quota.claim(ByteCount{1}, {})) << "over its limit from the start";
  EXPECT_EQ(quota.used_ratio({}), 1.0);
}

TEST(Quota, TellsWhatIsLeft) {
  EXPECT_EQ(Quota{std::nullopt}.left({}), std::nullopt);
  Quota quota{ByteCount{100}};
  ASSERT_TRUE(quota.claim(ByteCount{60}, {}));
  EXPECT_EQ(quota.left({}), ByteCount{40});
  EXPECT_EQ(quota.left(ByteCount{30}), ByteCount{10});
  EXPECT_EQ(quota.left(ByteCount{~std::uint64_t{0}}), ByteCount{0});
  quota.add(ByteCount{500});
  EXPECT_EQ(quota.left({}), ByteCount{0});
}

class QuotaOfAStore : public ObjectStoreTest {
 protected:
  std::unique_ptr<ObjectStore> open(std::uint64_t quota) {
    auto store = ObjectStore::open(data(), {.quota = ByteCount{quota}});
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  static Fault fault_of(ObjectStore& objects, std::string_view bytes) {
    return store(objects, bytes).error().fault;
  }
};

TEST_F(QuotaOfAStore, TwoThatDoNotFitTogetherAreNotBothBegun) {
  auto objects = open(100);
  auto first = objects->stage(ByteCount{60});
  ASSERT_TRUE(first);
  EXPECT_EQ(objects->stage(ByteCount{60}).error().fault, Fault::no_space);
  EXPECT_FALSE(objects->stage(ByteCount{41}));
  EXPECT_TRUE(objects->stage(ByteCount{40}));
  first = fail(Fault::cancelled, "it goes");
  EXPECT_TRUE(objects->stage(ByteCount{100}));
}

TEST_F(QuotaOfAStore, ItsRoomIsWhatItTakes) {
  auto objects = open(100);
  EXPECT_EQ(objects->room(), ByteCount{100});
  ASSERT_TRUE(store(*objects, "ten bytes!"));
  EXPECT_EQ(objects->room(), ByteCount{90});
  objects->catalogue_is_full(true);
  EXPECT_EQ(objects->room(), ByteCount{0});
}

TEST_F(QuotaOfAStore, WhatIsNotAnnouncedIsRefusedInMidStreamAndItsRoomComesBack) {
  auto objects = open(100);
  {
    auto staged = objects->stage(std::nullopt);
    ASSERT_TRUE(staged);
    std::string const bytes(60, 'x');
    ASSERT_TRUE(staged->append(std::as_bytes(std::span(bytes))));
    EXPECT_EQ(staged->append(std::as_bytes(std::span(bytes))).error().fault, Fault::no_space);
  }
  EXPECT_EQ(objects->used_bytes(), ByteCount{0});
  EXPECT_TRUE(store(*objects, std::string(100, 'x')));
}

TEST_F(QuotaOfAStore, CountsCopiesOnceAndThoseOfTheLastRun) {
  Digest digest;
  {
    auto objects = open(100);
    digest = store(*objects, std::string(60, 'x'))->digest;
    EXPECT_EQ(fault_of(*objects, std::string(60, 'x')), Fault::no_space) << "the same, again";
    EXPECT_EQ(objects->used_bytes(), ByteCount{60});
  }
  auto objects = open(100);
  EXPECT_EQ(objects->used_bytes(), ByteCount{60});
  EXPECT_GE(objects->used_ratio(), 0.6);
  EXPECT_EQ(fault_of(*objects, std::string(41, 'y')), Fault::no_space);
  ASSERT_TRUE(remove(*objects, digest));
  EXPECT_EQ(objects->used_bytes(), ByteCount{0});
  EXPECT_TRUE(store(*objects, std::string(41, 'y')));
}

TEST_F(QuotaOfAStore, TheQuarantineCounts) {
  auto objects = open(100);
  ASSERT_TRUE(store(*objects, "abc"));
  write_text(abc_path(), "abx");
  EXPECT_EQ(verify(*objects, *parse_digest(abc_hex)).error().fault, Fault::corrupt);
  EXPECT_EQ(objects->used_bytes(), ByteCount{3});
  EXPECT_EQ(fault_of(*objects, std::string(98, 'y')), Fault::no_space);
  EXPECT_TRUE(store(*objects, std::string(97, 'y')));
}

// Another node says how long its object is.
TEST(Quota, WhatNoDiskHasIsRefusedWithoutALimitTooAndLeavesTheSumAsItIs) {
  Quota quota{std::nullopt};
  ASSERT_TRUE(quota.claim(ByteCount{5}, ByteCount{}));
  for (std::uint64_t const bytes :
       {~std::uint64_t{0}, ~std::uint64_t{0} - 4, std::uint64_t{1} << 63}) {
    auto const claimed = quota.claim(ByteCount{bytes}, ByteCount{});
    ASSERT_FALSE(claimed) << bytes;
    EXPECT_EQ(claimed.error().fault, Fault::no_space);
    EXPECT_EQ(quota.used(), ByteCount{5});
  }
  quota.release(ByteCount{5});
}

}  // namespace
}  // namespace chisme::node
