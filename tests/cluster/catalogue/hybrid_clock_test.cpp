#include "cluster/catalogue/hybrid_clock.hpp"

#include <gtest/gtest.h>

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon{std::chrono::milliseconds{1'700'000'000'000}};
constexpr std::uint64_t packed(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count()) << 16;
}

TEST(HybridClock, GivesTheWallTimeAndNeverTheSameTwice) {
  HybridClock clock{noon, Instant{}};
  EXPECT_EQ(clock.next(Instant{}), packed(noon));
  EXPECT_EQ(clock.next(Instant{}), packed(noon) + 1);
  EXPECT_EQ(clock.next(Instant{} + 5ms), packed(noon + 5ms));
}

TEST(HybridClock, DoesNotGoBackWhenTheWallClockDoes) {
  HybridClock clock{noon, Instant{}};
  std::uint64_t const before = clock.next(Instant{});
  clock.set_wall(noon - 1h, Instant{} + 1s);
  EXPECT_EQ(clock.next(Instant{} + 1s), before + 1);
}

TEST(HybridClock, FollowsOthersButNotFarIntoTheFuture) {
  HybridClock clock{noon, Instant{}};
  clock.observe(packed(noon + 30s), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 1);
  clock.observe(packed(noon + 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 60s) + 1);
  clock.observe(packed(noon - 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 60s) + 2);
}

TEST(HybridClock, AWallClockBefore1970CountsAs1970) {
  HybridClock clock{WallTime{-1h}, Instant{}};
  EXPECT_EQ(clock.next(Instant{}), 1u);
}

}  // namespace
}  // namespace chisme::cluster
