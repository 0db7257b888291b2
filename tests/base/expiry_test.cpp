#include "cluster/base/expiry.hpp"

#include <gtest/gtest.h>

namespace chisme {
namespace {

using std::chrono::milliseconds;

WallTime at(std::int64_t count) {
  return WallTime{milliseconds{count}};
}

TEST(Expiry, IsWrittenBehindAMediaTypeAndReadAgain) {
  auto const kept = with_expiry("video/mp4", at(1'700'000'000'000));
  ASSERT_TRUE(kept);
  EXPECT_EQ(*kept, "video/mp4;expires=1700000000000");
  auto const split = split_expiry(*kept);
  EXPECT_EQ(split.type, "video/mp4");
  EXPECT_EQ(split.expires, at(1'700'000'000'000));
}

TEST(Expiry, GoesBehindWhatElseIsKept) {
  std::string const type = R"(a/b;s3="XUFAKrxLKna5cZ2REBfFkg x=;expires=1700000000001")";
  EXPECT_EQ(split_expiry(type).expires, std::nullopt);
  auto const kept = with_expiry(type, at(1'800'000'000'000));
  ASSERT_TRUE(kept);
  EXPECT_EQ(split_expiry(*kept).type, type);
}

TEST(Expiry, ReplacesWhatSomebodyElseWroteThere) {
  std::string const forged = "a/b;expires=1700000000000;expires=1700000000001";
  EXPECT_EQ(with_expiry(forged, std::nullopt), "a/b");
  EXPECT_EQ(with_expiry(forged, at(1'700'000'000'002)), "a/b;expires=1700000000002");
}

TEST(Expiry, IsNothingThatIsWrittenOtherwise) {
  for (std::string_view const type :
       {"", "a/b", "a/b;expires=", "a/b;expires=170000000000", "a/b;expires=170000000000x",
        "a/b;expires=17000000000000", "a/b;expires=-170000000000", "a/b;expires=1700000000000 ",
        "a/b;Expires=1700000000000"}) {
    EXPECT_EQ(split_expiry(type).expires, std::nullopt) << type;
    EXPECT_EQ(split_expiry(type).type, type);
  }
}

TEST(Expiry, IsRefusedWhereThereIsNoRoomOrNoTime) {
  EXPECT_TRUE(with_expiry(std::string(105, 'a'), at(1'700'000'000'000)));
  EXPECT_FALSE(with_expiry(std::string(106, 'a'), at(1'700'000'000'000)));
  EXPECT_TRUE(with_expiry(std::string(127, 'a'), std::nullopt));
  for (std::int64_t const time : {std::int64_t{0}, std::int64_t{-999'999'999'999}, std::int64_t{-1},
                                  std::int64_t{10'000'000'000'000}}) {
    EXPECT_FALSE(with_expiry("a/b", at(time))) << time;
  }
}

TEST(Trash, APlaceIsWrittenAndReadAgain) {
  TrashPlace const place{at(1'700'000'000'000), at(1'700'000'600'000), 0xdeadbeef, "a/b.txt"};
  std::string const id = to_trash_id(place);
  EXPECT_EQ(trash_prefix.size() + id.size(), trash_name_bytes + place.name.size());
  auto const read = parse_trash_id(id);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->removed, place.removed);
  EXPECT_EQ(read->expires, place.expires);
  EXPECT_EQ(read->number, place.number);
  EXPECT_EQ(read->name, place.name);
}

TEST(Trash, WhatWasRemovedLastComesFirst) {
  EXPECT_LT(to_trash_id({at(2000), at(5000), 9, "z"}), to_trash_id({at(1999), at(4999), 1, "a"}));
}

TEST(Trash, NothingElseIsAPlace) {
  std::string const id = to_trash_id({at(1), at(2), 3, "a"});
  for (std::size_t size = 0; size < id.size(); ++size) {
    EXPECT_FALSE(parse_trash_id(id.substr(0, size)));
  }
  for (std::size_t i = 0; i + 1 < id.size(); ++i) {
    for (char const c : {'A', '/', '-', ' ', '\0', '+'}) {
      std::string broken = id;
      if (broken[i] == c) continue;
      broken[i] = c;
      EXPECT_FALSE(parse_trash_id(broken)) << broken;
    }
  }
}

}  // namespace
}  // namespace chisme
