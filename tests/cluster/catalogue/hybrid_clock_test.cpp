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

TEST(HybridClock, DoesNotGoBackWhenTheWallClockDoesALittle) {
  HybridClock clock{noon, Instant{}};
  std::uint64_t const before = clock.next(Instant{});
  clock.set_wall(noon - 30s, Instant{} + 1s);
  EXPECT_EQ(clock.next(Instant{} + 1s), before + 1);
}

TEST(HybridClock, FollowsTheWallClockWhenItIsSetRight) {
  constexpr auto year = std::chrono::hours{24 * 365};
  for (auto const jump : {std::chrono::milliseconds{1h}, std::chrono::milliseconds{10 * year}}) {
    HybridClock clock{noon + jump, Instant{}};
    clock.next(Instant{});
    clock.set_wall(noon, Instant{});
    std::uint64_t const after = clock.next(Instant{});
    EXPECT_EQ(after, packed(noon)) << "others refuse what is from the future";
    EXPECT_EQ(clock.next(Instant{}), after + 1);
    clock.set_wall(noon + jump, Instant{});
    EXPECT_EQ(clock.next(Instant{}), packed(noon + jump));
  }
}

TEST(HybridClock, FollowsOthersButNotIntoTheFarFuture) {
  HybridClock clock{noon, Instant{}};
  clock.observe(packed(noon + 30s), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 1);
  clock.observe(packed(noon + 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 2);
  clock.observe(packed(noon - 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 3);
}

TEST(HybridClock, ACounterThatOverflowsCarriesIntoTheMilliseconds) {
  HybridClock clock{noon, Instant{}};
  clock.observe(packed(noon) | 0xffff, Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 1ms));
}

TEST(HybridClock, HasRoomAfterTheLastTimeThatAWallClockCanSay) {
  HybridClock clock{WallTime{std::chrono::hours{24 * 365 * 10'000L}}, Instant{}};
  std::uint64_t const last = clock.next(Instant{});
  EXPECT_GT(clock.next(Instant{}), last);
}

TEST(HybridClock, AWallClockBefore1970CountsAs1970) {
  HybridClock clock{WallTime{-1h}, Instant{}};
  EXPECT_EQ(clock.next(Instant{}), 1u);
}

}  // namespace
}  // namespace chisme::cluster
