#include "node/cli/up_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chisme::node::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(UpProtocol, EveryOrderIsUnderstood) {
  EXPECT_EQ(**parse_up_command("kill 2", 5), (UpCommand{Order::kill, 2}));
  EXPECT_EQ(**parse_up_command("start 5", 5), (UpCommand{Order::start, 5}));
  EXPECT_EQ(**parse_up_command("stop 1", 5), (UpCommand{Order::stop, 1}));
  EXPECT_EQ(**parse_up_command("cont 1", 5), (UpCommand{Order::resume, 1}));
  EXPECT_EQ(**parse_up_command("status", 5), (UpCommand{Order::status, 0}));
  EXPECT_EQ(**parse_up_command(" quit \r", 5), (UpCommand{Order::quit, 0}));
}

TEST(UpProtocol, AnEmptyLineIsNoOrder) {
  EXPECT_EQ(*parse_up_command("", 5), std::nullopt);
  EXPECT_EQ(*parse_up_command(" \t\r", 5), std::nullopt);
}

TEST(UpProtocol, WhatIsNotUnderstoodSaysWhatWouldBe) {
  for (char const* const line : {"kil 2", "kill", "kill 2 3", "quit 1", "KILL 2"}) {
    auto const command = parse_up_command(line, 5);
    ASSERT_FALSE(command) << line;
    EXPECT_THAT(command.error().message, HasSubstr("try kill K"));
  }
  for (char const* const line :
       {"kill 0", "kill 6", "kill x", "kill 2x", "kill -1", "kill 4294967298"}) {
    auto const command = parse_up_command(line, 5);
    ASSERT_FALSE(command) << line;
    EXPECT_THAT(command.error().message, HasSubstr("from 1 to 5"));
  }
}

TEST(UpProtocol, ANodesLineHasNumberUrlAndPid) {
  EXPECT_EQ(node_line(2, "http://127.0.0.1:7702", 4711), "node 2 http://127.0.0.1:7702 pid 4711");
}

TEST(UpProtocol, LinesAreCutWhereverTheBytesAre) {
  Lines lines;
  EXPECT_THAT(lines.feed("ki"), IsEmpty());
  EXPECT_THAT(lines.feed("ll 2\nsta"), ElementsAre("kill 2"));
  EXPECT_THAT(lines.feed("rt 2\n\nquit\n"), ElementsAre("start 2", "", "quit"));
}

TEST(UpProtocol, ALineWithoutEndIsDroppedNotKept) {
  Lines lines;
  for (int i = 0; i < 100; ++i) EXPECT_THAT(lines.feed(std::string(1000, 'x')), IsEmpty());
  EXPECT_THAT(lines.feed("\nquit\n"), ElementsAre("quit"));
}

}  // namespace
}  // namespace chisme::node::cli
