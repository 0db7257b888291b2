#include "cluster/wire/replay_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

TEST(ReplayWindow, TakesEachNumberOnce) {
  ReplayWindow window;
  for (std::uint64_t const number : {7u, 9u, 8u, 1u}) {
    EXPECT_TRUE(window.add(number)) << number;
    EXPECT_FALSE(window.add(number)) << number;
  }
}

TEST(ReplayWindow, WhatIsTooOldCountsAsSeen) {
  ReplayWindow window;
  EXPECT_TRUE(window.add(5000));
  EXPECT_TRUE(window.add(5000 - ReplayWindow::size + 1));
  EXPECT_FALSE(window.add(5000 - ReplayWindow::size));
  EXPECT_FALSE(window.add(0));
}

TEST(ReplayWindow, AJumpForgetsWhatIsBehindIt) {
  ReplayWindow window;
  EXPECT_TRUE(window.add(1));
  EXPECT_TRUE(window.add(~std::uint64_t{0}));
  EXPECT_FALSE(window.add(~std::uint64_t{0}));
  EXPECT_FALSE(window.add(1));
  EXPECT_TRUE(window.add(~std::uint64_t{0} - 3));
}

// Against the plain definition, over numbers that come out of order and twice.
TEST(ReplayWindow, AgreesWithASetOfWhatWasSeen) {
  Random random{11};
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t at = 0;
  for (int i = 0; i < 20000; ++i) {
    at += random.below(3) == 0 ? random.below(random.chance(0.01) ? 3000 : 4) : 0;
    std::uint64_t const number = at - std::min<std::uint64_t>(at, random.below(1200));
    std::uint64_t const highest = seen.empty() ? 0 : *seen.rbegin();
    bool const old = !seen.empty() && number + ReplayWindow::size <= highest;
    EXPECT_EQ(window.add(number), !old && !seen.contains(number));
    seen.insert(number);
  }
}

}  // namespace
}  // namespace chisme::cluster
