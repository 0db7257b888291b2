#include "node/restarting.hpp"

#include <gtest/gtest.h>

namespace chisme::node {
namespace {

using namespace std::chrono_literals;

TEST(Restarting, TheFirstIsAtOnceAndThoseThatFollowWaitEverLonger) {
  EXPECT_EQ(pause_before_restart(0), 0s);
  EXPECT_EQ(pause_before_restart(1), 200ms);
  EXPECT_EQ(pause_before_restart(2), 400ms);
  EXPECT_EQ(pause_before_restart(8), 25'600ms);
  EXPECT_EQ(pause_before_restart(9), 30s);
  EXPECT_EQ(pause_before_restart(4'000'000'000), 30s);
}

}  // namespace
}  // namespace chisme::node
