#include "cluster/load/redirect_tally.hpp"

#include <gtest/gtest.h>

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
constexpr NodeId a{0, 1};
constexpr NodeId b{0, 2};

TEST(RedirectTally, CountsOnlyWhatWasSentAfterTheSample) {
  RedirectTally tally;
  tally.note(a, Instant{1s});
  tally.note(a, Instant{2s});
  tally.note(a, Instant{3s});
  EXPECT_EQ(tally.since(a, Instant{}), 3u);
  EXPECT_EQ(tally.since(a, Instant{2s}), 1u);
  EXPECT_EQ(tally.since(a, Instant{3s}), 0u);
  EXPECT_EQ(tally.since(b, Instant{}), 0u);
}

TEST(RedirectTally, ForgetsAfterTenSeconds) {
  RedirectTally tally;
  tally.note(a, Instant{1s});
  tally.note(b, Instant{12s});
  EXPECT_EQ(tally.since(a, Instant{}), 0u);
  EXPECT_EQ(tally.since(b, Instant{}), 1u);
}

TEST(RedirectTally, ForgetsManyNodesAsFastAsItNotes) {
  RedirectTally tally;
  for (std::uint64_t i = 0; i < 1000; ++i) tally.note({1, i}, Instant{1s});
  for (int i = 0; i < 501; ++i) tally.note(a, Instant{20s});
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(tally.since({1, i}, Instant{}), 0u) << i;
  EXPECT_EQ(tally.since(a, Instant{}), 501u);
}

TEST(RedirectTally, IsBoundedPerNode) {
  RedirectTally tally;
  for (std::size_t i = 0; i < 2 * RedirectTally::per_node_max; ++i) tally.note(a, Instant{1s});
  EXPECT_EQ(tally.since(a, Instant{}), RedirectTally::per_node_max);
}

}  // namespace
}  // namespace chisme::cluster
