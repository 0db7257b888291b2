#include "cluster/base/random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace chisme {
namespace {

TEST(Random, SameSeedSameNumbersAndOtherSeedOthers) {
  Random a{1};
  Random b{1};
  Random c{2};
  EXPECT_EQ(a(), b());
  EXPECT_NE(a(), c());
}

TEST(Random, BelowIsUniformAndInRange) {
  Random random{7};
  std::array<int, 6> seen{};
  for (int i = 0; i < 60'000; ++i) ++seen.at(random.below(6));
  for (int const count : seen) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Random, SplitStreamsDiffer) {
  Random parent{7};
  Random a = parent.split(1);
  Random b = parent.split(2);
  EXPECT_NE(a(), b());
}

}  // namespace
}  // namespace chisme
