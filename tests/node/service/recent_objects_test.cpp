#include "node/recent_objects.hpp"

#include <gtest/gtest.h>

namespace chisme::node {
namespace {

using namespace std::chrono_literals;

Digest digest(std::uint8_t number) {
  Digest made;
  made.bytes[0] = number;
  return made;
}

TEST(RecentObjects, KeepsWhatWasReadForASecond) {
  RecentObjects recent;
  Instant const start{};
  EXPECT_EQ(recent.find(digest(1), start), nullptr);
  recent.keep(digest(1), "bytes", start);
  ASSERT_NE(recent.find(digest(1), start + 999ms), nullptr);
  EXPECT_EQ(*recent.find(digest(1), start), "bytes");
  EXPECT_EQ(recent.find(digest(1), start + 1s), nullptr) << "the copy may have rotted, or be gone";
  recent.keep(digest(1), "bytes", start + 2s);
  EXPECT_NE(recent.find(digest(1), start + 2500ms), nullptr);
}

TEST(RecentObjects, TheOldestGoWhenTheyAreTooMany) {
  RecentObjects recent;
  Instant const now{};
  std::size_t const most = RecentObjects::bytes_max / RecentObjects::object_bytes_max;
  std::string const large(RecentObjects::object_bytes_max, 'x');
  for (std::size_t i = 0; i <= most; ++i)
    recent.keep(digest(static_cast<std::uint8_t>(i)), large, now);
  EXPECT_EQ(recent.find(digest(0), now), nullptr);
  EXPECT_NE(recent.find(digest(1), now), nullptr);
  auto const held = recent.find(digest(1), now);
  recent.keep(digest(200), large, now);
  EXPECT_EQ(recent.find(digest(1), now), nullptr);
  EXPECT_EQ(*held, large) << "who sends it keeps it";
}

}  // namespace
}  // namespace chisme::node
