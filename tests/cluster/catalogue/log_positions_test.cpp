#include "cluster/catalogue/log_positions.hpp"

#include <gtest/gtest.h>

#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using testing::dot;
using testing::node;

LogPosition position(std::uint32_t epoch, std::uint64_t sequence) {
  return {node(1), LogKind::names, Epoch{epoch}, sequence};
}

TEST(LogPositions, MoveOverRecordsThatFollowEachOther) {
  LogPositions positions;
  positions.raise(position(1, 3));
  positions.note(LogKind::names, dot({.sequence = 4}));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 4));
  EXPECT_EQ(positions.at(node(1), LogKind::holdings).sequence, 0u);
}

TEST(LogPositions, WaitForWhatIsMissing) {
  LogPositions positions;
  positions.raise(position(1, 3));
  positions.note(LogKind::names, dot({.sequence = 6}));
  positions.note(LogKind::names, dot({.sequence = 5}));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 3));
  positions.note(LogKind::names, dot({.sequence = 4}));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 6));
}

TEST(LogPositions, DoNotTakeTheFirstRecordOfAnEpochForTheNextOne) {
  LogPositions positions;
  positions.raise(position(1, 3));
  positions.note(LogKind::names, dot({.sequence = 1, .epoch = 2}));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 3));
  positions.raise(position(1, 9));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 9));
  positions.raise(position(2, 1));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(2, 1));
}

TEST(LogPositions, NeverGoDown) {
  LogPositions positions;
  positions.raise(position(2, 1));
  positions.raise(position(1, 100));
  positions.note(LogKind::names, dot({.sequence = 101}));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(2, 1));
}

TEST(LogPositions, RememberABoundedNumberOfEarlyRecords) {
  LogPositions positions;
  for (std::uint64_t sequence = 3; sequence < 1000; ++sequence) {
    positions.note(LogKind::names, dot({.sequence = sequence}));
  }
  positions.raise(position(1, 2));
  EXPECT_EQ(positions.at(node(1), LogKind::names), position(1, 2 + LogPositions::early_max));
}

TEST(LogPositions, SayOnceWhatMoved) {
  LogPositions positions;
  positions.raise(position(1, 3));
  EXPECT_EQ(positions.take_moved(), std::vector{position(1, 3)});
  positions.raise(position(1, 2));
  EXPECT_TRUE(positions.take_moved().empty());
}

}  // namespace
}  // namespace chisme::cluster
