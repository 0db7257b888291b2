#include "node/log_repeats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chisme::node {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Instant begin{};

struct Repeats : testing::Test {
  unsigned shown(std::string const& message, unsigned times, Instant now) {
    unsigned count = 0;
    for (unsigned i = 0; i < times; ++i) {
      if (repeats.admit(LogComponent::node, LogLevel::info, message, now)) ++count;
    }
    return count;
  }
  LogRepeats repeats{{.shown_max = 3, .period = 10s, .known_max = 4}};
};

TEST_F(Repeats, AFewOfOneMessageAreShownAndTheRestIsCountedOnce) {
  EXPECT_EQ(shown("full", 10, begin), 3u);
  EXPECT_TRUE(repeats.ended(begin + 9s).empty());
  auto const told = repeats.ended(begin + 10s);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].message, "left out 7 more lines of this within 10 s: full");
  EXPECT_EQ(told[0].level, LogLevel::info);
  EXPECT_TRUE(repeats.ended(begin + 30s).empty());
  EXPECT_EQ(repeats.left_out(), 7u);
}

TEST_F(Repeats, WhatWasShownWholeIsNotTold) {
  EXPECT_EQ(shown("full", 3, begin), 3u);
  EXPECT_TRUE(repeats.ended(begin + 1min).empty());
}

TEST_F(Repeats, AfterThePeriodItIsShownAgain) {
  EXPECT_EQ(shown("full", 5, begin), 3u);
  EXPECT_EQ(shown("full", 5, begin + 11s), 3u);
}

TEST_F(Repeats, OtherMessagesComponentsAndLevelsAreOthers) {
  EXPECT_EQ(shown("full", 5, begin), 3u);
  EXPECT_EQ(shown("empty", 1, begin), 1u);
  EXPECT_TRUE(repeats.admit(LogComponent::http, LogLevel::info, "full", begin));
  EXPECT_TRUE(repeats.admit(LogComponent::node, LogLevel::error, "full", begin));
}

TEST_F(Repeats, ManyMessagesTakeNoMoreThanTheBound) {
  EXPECT_EQ(shown("first", 5, begin), 3u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(shown(std::to_string(i), 1, begin + 1s), 1u);
  }
  auto const told = repeats.ended(begin + 2s);
  ASSERT_EQ(told.size(), 1u) << "what was forgotten early is told at once";
  EXPECT_THAT(told[0].message, HasSubstr("2 more lines of this"));
  EXPECT_TRUE(repeats.all().empty());
}

TEST_F(Repeats, OfALongMessageItsBeginningIsKept) {
  shown(std::string(100'000, 'x'), 5, begin);
  auto const told = repeats.all();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_LT(told[0].message.size(), LogRepeats::kept_bytes_max + 100);
}

}  // namespace
}  // namespace chisme::node
