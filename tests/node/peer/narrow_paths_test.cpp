#include "node/peer/narrow_paths.hpp"

#include <gtest/gtest.h>

namespace chisme::node {
namespace {

using std::chrono::minutes;

Endpoint peer(std::uint16_t port) {
  return Endpoint{.address = {}, .port = port};
}

TEST(NarrowPaths, APathIsForgottenTenMinutesAfterItWasLastFoundNarrow) {
  NarrowPaths paths;
  EXPECT_FALSE(paths.contains(peer(1), Instant{}));
  EXPECT_TRUE(paths.add(peer(1), Instant{}));
  EXPECT_TRUE(paths.contains(peer(1), Instant{} + minutes{9}));
  EXPECT_FALSE(paths.contains(peer(2), Instant{}));
  EXPECT_FALSE(paths.add(peer(1), Instant{} + minutes{9}));
  EXPECT_TRUE(paths.contains(peer(1), Instant{} + minutes{18}));
  EXPECT_FALSE(paths.contains(peer(1), Instant{} + minutes{19}));
  EXPECT_TRUE(paths.add(peer(1), Instant{} + minutes{19}));
}

TEST(NarrowPaths, OfTooManyTheOldestIsForgotten) {
  NarrowPaths paths;
  for (std::uint16_t i = 0; i <= NarrowPaths::paths_max; ++i) {
    paths.add(peer(i), Instant{} + std::chrono::milliseconds{i});
  }
  EXPECT_FALSE(paths.contains(peer(0), Instant{}));
  EXPECT_TRUE(paths.contains(peer(1), Instant{}));
  EXPECT_TRUE(paths.contains(peer(NarrowPaths::paths_max), Instant{}));
}

}  // namespace
}  // namespace chisme::node
