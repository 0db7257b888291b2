#include "cluster/load/capacity.hpp"

#include <gtest/gtest.h>

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

// Samples every 100 ms for `span`, beginning after `start`.
Instant feed(CapacityEstimate& estimate, Instant start, Duration span, double rate,
             bool saturated) {
  Instant at = start;
  while (at < start + span) {
    at += 100ms;
    estimate.sample({.bytes_per_second = rate, .in_flight = 10, .saturated = saturated}, at);
  }
  return at;
}

TEST(Capacity, AHealthyNodeIsWorthOneWhateverItsRate) {
  CapacityEstimate estimate{Instant{}};
  feed(estimate, Instant{}, 60s, 5e6, true);
  EXPECT_NEAR(estimate.value(), 1, 0.001);
}

TEST(Capacity, FourTimesSlowerThanAtItsBestIsSeenWithinSeconds) {
  CapacityEstimate estimate{Instant{}};
  Instant const at = feed(estimate, Instant{}, 10s, 8e6, true);
  feed(estimate, at, 6s, 2e6, true);
  EXPECT_NEAR(estimate.value(), 0.25, 0.05);
}

TEST(Capacity, WhatItDeliveredUnsaturatedIsHeldAgainstANodeThatBecameSlow) {
  CapacityEstimate estimate{Instant{}};
  Instant const at = feed(estimate, Instant{}, 10s, 8e6, false);
  feed(estimate, at, 8s, 2e6, true);
  EXPECT_NEAR(estimate.value(), 0.25, 0.05);
}

TEST(Capacity, IsFullAtAsManyClientsAsItCanServeAtTheirOwnRate) {
  CapacityEstimate estimate{Instant{}};
  EXPECT_EQ(estimate.full_at(), 0);
  Instant at = feed(estimate, Instant{}, 30s, 8e6, true);
  EXPECT_EQ(estimate.full_at(), 0);          // nothing says what clients would take
  at = feed(estimate, at, 60s, 2e6, false);  // ten clients take 0.2 MB/s each
  EXPECT_NEAR(estimate.full_at(), 40, 0.5);
  at = feed(estimate, at, 20s, 2e6, true);  // now it cannot do more than that
  EXPECT_NEAR(estimate.full_at(), 10, 0.5);
}

TEST(Capacity, ANodeThatWasNeverSaturatedExpectsAThirdMoreOfItselfUntilItIs) {
  CapacityEstimate estimate{Instant{}};
  Instant const at = feed(estimate, Instant{}, 60s, 2e6, false);
  EXPECT_NEAR(estimate.full_at(), 13.3, 0.1);
  feed(estimate, at, 1s, 2e6, true);
  EXPECT_NEAR(estimate.full_at(), 10, 0.1);
}

TEST(Capacity, FewBytesForSlowClientsSayNothing) {
  CapacityEstimate estimate{Instant{}};
  Instant const at = feed(estimate, Instant{}, 10s, 8e6, true);
  feed(estimate, at, 60s, 1e3, false);
  EXPECT_NEAR(estimate.value(), 1, 0.001);
}

TEST(Capacity, DriftsBackOnceItIsNotSaturated) {
  CapacityEstimate estimate{Instant{}};
  Instant at = feed(estimate, Instant{}, 10s, 8e6, true);
  at = feed(estimate, at, 20s, 2e6, true);
  at = feed(estimate, at, 60s, 0, false);
  EXPECT_GT(estimate.value(), 0.7);
  EXPECT_LT(estimate.value(), 0.75);
}

TEST(Capacity, NeverFallsToNothing) {
  CapacityEstimate estimate{Instant{}};
  Instant const at = feed(estimate, Instant{}, 10s, 8e6, true);
  feed(estimate, at, 60s, 0, true);
  EXPECT_EQ(estimate.value(), CapacityEstimate::lowest);
}

TEST(Capacity, AClockThatStandsStillChangesNothing) {
  CapacityEstimate estimate{Instant{5s}};
  estimate.sample({.bytes_per_second = 1, .saturated = true}, Instant{5s});
  estimate.sample({.bytes_per_second = 0, .saturated = true}, Instant{4s});
  EXPECT_EQ(estimate.value(), 1);
}

}  // namespace
}  // namespace chisme::cluster
