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
    estimate.sample(rate, saturated, at);
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
  estimate.sample(1, true, Instant{5s});
  estimate.sample(0, true, Instant{4s});
  EXPECT_EQ(estimate.value(), 1);
}

}  // namespace
}  // namespace chisme::cluster
