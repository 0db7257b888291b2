#include "cluster/load/load_gossip.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
constexpr Duration look_period = 500ms;

// A node of a cluster, which looks at its load twice a second.
class Teller {
 public:
  explicit Teller(std::size_t members, Instant now = {})
      : members_(members), now_(now), gossip_(200ms, Random{members}, now) {}

  // How often it tells its load within `span`.
  int tells(Duration span, LoadRecord const& own = {}) {
    int told = 0;
    for (Instant const end = now_ + span; now_ < end;) {
      now_ += look_period;
      if (gossip_.is_due(own, members_, now_)) ++told;
    }
    return told;
  }
  // How long it is until `own` is told; nullopt if that is not within an hour.
  std::optional<Duration> tells_after(LoadRecord const& own) {
    for (Instant const begin = now_; now_ < begin + 1h;) {
      now_ += look_period;
      if (gossip_.is_due(own, members_, now_)) return now_ - begin;
    }
    return std::nullopt;
  }

 private:
  std::size_t members_;
  Instant now_;
  LoadGossip gossip_;
};

LoadRecord full() {
  LoadRecord load;
  load.disk_used_ratio = 0.95F;
  return load;
}

TEST(LoadGossip, EachOfAHundredHearsTwentyLoadsASecond) {
  EXPECT_NEAR(Teller{20}.tells(1000s), 1000, 250);  // rounded up to when samples are taken
  EXPECT_NEAR(Teller{100}.tells(5000s), 1000, 100);
}

TEST(LoadGossip, EachOfMoreHearsFewerDownToAllInTenMinutes) {
  EXPECT_NEAR(Teller{200}.tells(20'000s), 1000, 100);
  EXPECT_NEAR(Teller{1000}.tells(50'000s), 100, 10);
  EXPECT_NEAR(Teller{4000}.tells(60'000s), 100, 10);
}

TEST(LoadGossip, WhatOthersActOnIsToldAtOnceAndOften) {
  LoadRecord unwell;
  unwell.health = 4;
  LoadRecord degraded;
  degraded.capacity = 0.3F;
  for (LoadRecord const& load : {full(), unwell, degraded}) {
    Teller teller{1000};
    EXPECT_EQ(teller.tells(200s), 0);
    EXPECT_EQ(teller.tells_after(load), look_period);
    EXPECT_NEAR(teller.tells(5000s, load), 100, 10);
  }
}

TEST(LoadGossip, ThatItIsOverIsToldLikeThatAFewTimes) {
  Teller teller{1000};
  EXPECT_GT(teller.tells(1000s, full()), 10);
  EXPECT_LE(teller.tells_after({}), 75s);
  EXPECT_GE(teller.tells(150s), 1);
  EXPECT_LE(teller.tells(5000s), 20);
}

TEST(LoadGossip, AFlickeringCauseIsNotToldMoreOften) {
  Teller teller{1000};
  int told = 0;
  for (int i = 0; i < 1000; ++i) told += teller.tells(2s, full()) + teller.tells(3s);
  EXPECT_NEAR(told, 100, 10);
}

TEST(LoadGossip, OfTwoNodesNoneTellsItselfMoreOftenThanThePauseAllows) {
  LoadGossip gossip{200ms, Random{1}, Instant{}};
  int told = 0;
  for (int i = 1; i <= 10'000; ++i) {
    if (gossip.is_due(full(), 2, Instant{} + i * 1ms)) ++told;
  }
  EXPECT_LE(told, 51);
}

}  // namespace
}  // namespace chisme::cluster
