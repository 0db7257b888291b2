#include "cluster/catalogue/hybrid_clock.hpp"

#include <gtest/gtest.h>

#include <set>

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon{std::chrono::milliseconds{1'700'000'000'000}};
constexpr std::uint64_t packed(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count()) << 16;
}

// The least difference of two times of one run.
constexpr std::uint64_t one = 256;

TEST(HybridClock, GivesTheWallTimeAndNeverTheSameTwice) {
  HybridClock clock{Epoch{0}, noon, Instant{}};
  EXPECT_EQ(clock.next(Instant{}), packed(noon));
  EXPECT_EQ(clock.next(Instant{}), packed(noon) + one);
  EXPECT_EQ(clock.next(Instant{} + 5ms), packed(noon + 5ms));
}

TEST(HybridClock, DoesNotGoBackWhenTheWallClockDoesALittle) {
  HybridClock clock{Epoch{0}, noon, Instant{}};
  std::uint64_t const before = clock.next(Instant{});
  clock.set_wall(noon - 30s, Instant{} + 1s);
  EXPECT_EQ(clock.next(Instant{} + 1s), before + one);
}

TEST(HybridClock, FollowsTheWallClockWhenItIsSetRight) {
  constexpr auto year = std::chrono::hours{24 * 365};
  for (auto const jump : {std::chrono::milliseconds{1h}, std::chrono::milliseconds{10 * year}}) {
    HybridClock clock{Epoch{0}, noon + jump, Instant{}};
    clock.next(Instant{});
    clock.set_wall(noon, Instant{});
    std::uint64_t const after = clock.next(Instant{});
    EXPECT_EQ(after, packed(noon)) << "others refuse what is from the future";
    EXPECT_EQ(clock.next(Instant{}), after + one);
    clock.set_wall(noon + jump, Instant{});
    EXPECT_EQ(clock.next(Instant{}), packed(noon + jump));
  }
}

TEST(HybridClock, FollowsOthersButNotIntoTheFarFuture) {
  HybridClock clock{Epoch{0}, noon, Instant{}};
  clock.observe(packed(noon + 30s), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + one);
  clock.observe(packed(noon + 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 2 * one);
  clock.observe(packed(noon - 1h), Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 30s) + 3 * one);
}

TEST(HybridClock, FollowsNobodySoFarThatNodesAsFarBehindRefuse) {
  HybridClock fast{Epoch{0}, noon + 25s, Instant{}};
  HybridClock const slow{Epoch{0}, noon - 5s, Instant{}};
  fast.observe(packed(noon + 80s), Instant{});
  EXPECT_LE(fast.next(Instant{}), slow.limit(Instant{}));
}

TEST(HybridClock, ACounterThatOverflowsCarriesIntoTheMilliseconds) {
  HybridClock clock{Epoch{0}, noon, Instant{}};
  clock.observe(packed(noon) | 0xffff, Instant{});
  EXPECT_EQ(clock.next(Instant{}), packed(noon + 1ms));
}

TEST(HybridClock, HasRoomAfterTheLastTimeThatAWallClockCanSay) {
  HybridClock clock{Epoch{0}, WallTime{std::chrono::hours{24 * 365 * 10'000L}}, Instant{}};
  std::uint64_t const last = clock.next(Instant{});
  EXPECT_GT(clock.next(Instant{}), last);
}

// Two runs that begin with the same knowledge, as a node that lost what it had not synced.
TEST(HybridClock, NoTwoOf256RunsGiveTheSameTime) {
  std::set<std::uint64_t> given;
  for (std::uint32_t run = 0; run < 256; ++run) {
    HybridClock clock{Epoch{1000 + run}, noon, Instant{}};
    clock.observe(packed(noon + 1s), Instant{});
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(given.insert(clock.next(Instant{})).second);
  }
}

TEST(HybridClock, TheLastOfAllTimesHasNoSuccessor) {
  HybridClock const clock{Epoch{7}, noon, Instant{}};
  constexpr std::uint64_t last = ~std::uint64_t{0};
  EXPECT_EQ(clock.after(last), last);
  EXPECT_EQ(clock.after(last - 1), last);
  EXPECT_EQ(clock.after(last - 256), last - 255 + 7);
}

TEST(HybridClock, AWallClockBefore1970CountsAs1970) {
  HybridClock clock{Epoch{0}, WallTime{-1h}, Instant{}};
  EXPECT_EQ(clock.next(Instant{}), one);
}

}  // namespace
}  // namespace chisme::cluster
