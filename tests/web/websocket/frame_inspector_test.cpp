#include "web/websocket/frame_inspector.hpp"

#include <gtest/gtest.h>

#include "tests/web/websocket/client_codec.hpp"

namespace chisme::web {
namespace {

struct Inspected {
  std::string out;
  std::vector<bool> pieces;  // last?
  FrameInspector::Stop stop = FrameInspector::Stop::starved;
};

// Feeds `bytes` in steps of at most `step`, until they are consumed or the inspector stops for
// good.
Inspected inspect(FrameInspector& inspector, std::string_view bytes, std::size_t step) {
  Inspected result;
  while (true) {
    auto const part = std::as_bytes(std::span(bytes.substr(0, step)));
    auto const done = inspector.feed(part, result.out);
    bytes.remove_prefix(done.consumed);
    result.stop = done.stop;
    if (done.stop == FrameInspector::Stop::piece_ended) {
      result.pieces.push_back(inspector.last_piece());
    } else if (done.stop != FrameInspector::Stop::starved || bytes.empty()) {
      return result;
    }
  }
}
Inspected inspect(std::string_view bytes, FrameLimits limits = {}) {
  FrameInspector inspector(limits);
  return inspect(inspector, bytes, bytes.size());
}
void expect_refused(std::string const& bytes, int code, FrameLimits limits = {}) {
  FrameInspector inspector(limits);
  auto const result = inspect(inspector, bytes, bytes.size());
  ASSERT_EQ(result.stop, FrameInspector::Stop::failed);
  EXPECT_EQ(inspector.close_code(), code) << inspector.reason();
}

TEST(FrameInspector, PassesAShortTextOnAsItIs) {
  auto const frame = client_frame(opcode::text, "hello");
  auto const result = inspect(frame);
  EXPECT_EQ(result.out, frame);
  EXPECT_EQ(result.pieces, std::vector{true});
}

TEST(FrameInspector, CutsALargeBinaryFrameIntoMessagesThatEndTogetherWithIt) {
  std::string const payload(10, 'x');
  auto const result = inspect(client_frame(opcode::binary, payload), {.piece_bytes = 4});
  EXPECT_EQ(result.out, client_frame(opcode::binary, "xxxx") +
                            client_frame(opcode::binary, "xxxx") +
                            client_frame(opcode::binary, "xx"));
  EXPECT_EQ(result.pieces, (std::vector{false, false, true}));
}

TEST(FrameInspector, FragmentsOfABinaryMessageBecomeMessagesOfTheirOwn) {
  auto const result = inspect(client_frame(opcode::binary, "ab", false) +
                              client_frame(opcode::continuation, "", false) +
                              client_frame(opcode::continuation, "cd", true));
  EXPECT_EQ(result.out, client_frame(opcode::binary, "ab") + client_frame(opcode::binary, "") +
                            client_frame(opcode::binary, "cd"));
  EXPECT_EQ(result.pieces, (std::vector{false, false, true}));
}

TEST(FrameInspector, EverySplitOfTheBytesGivesTheSame) {
  auto const bytes = client_frame(opcode::text, "he", false) + client_frame(opcode::ping, "p") +
                     client_frame(opcode::continuation, "llo") +
                     client_frame(opcode::binary, std::string(300, 'b')) +
                     client_frame(opcode::binary, "") + client_close(1000);
  FrameLimits const limits{.piece_bytes = 128};
  auto const whole = inspect(bytes, limits);
  EXPECT_EQ(whole.stop, FrameInspector::Stop::closing);
  for (std::size_t step = 1; step < bytes.size(); ++step) {
    FrameInspector inspector(limits);
    auto const split = inspect(inspector, bytes, step);
    EXPECT_EQ(split.out, whole.out) << step;
    EXPECT_EQ(split.pieces, whole.pieces) << step;
    EXPECT_EQ(split.stop, FrameInspector::Stop::closing) << step;
    EXPECT_EQ(inspector.peer_close_code(), 1000) << step;
  }
}

TEST(FrameInspector, HoldsTheCloseBackUntilItIsLetThrough) {
  FrameInspector inspector;
  auto const bytes = client_frame(opcode::close, big_endian(1001, 2) + "bye");
  auto const held = inspect(inspector, bytes, 3);
  EXPECT_EQ(held.out, "");
  EXPECT_EQ(inspector.peer_close_code(), 1001);
  inspector.let_close_through();
  auto const rest = inspect(inspector, std::string_view(bytes).substr(8), 100);
  EXPECT_EQ(held.out + rest.out, bytes);
}

TEST(FrameInspector, ACloseWithoutACodeIs1005) {
  FrameInspector inspector;
  auto const bytes = client_frame(opcode::close, "");
  EXPECT_EQ(inspect(inspector, bytes, 100).stop, FrameInspector::Stop::closing);
  EXPECT_EQ(inspector.peer_close_code(), 1005);
}

TEST(FrameInspector, ALengthNear2To64IsRefusedWhereverItComes) {
  std::uint64_t const giant = ~std::uint64_t{0} - 999;
  expect_refused(client_header(opcode::binary, giant), 1002);
  expect_refused(
      client_frame(opcode::text, "a", false) + client_header(opcode::continuation, giant), 1002);
  expect_refused(
      client_frame(opcode::binary, "a", false) + client_header(opcode::continuation, giant), 1002);
}

TEST(FrameInspector, ATextOverItsLimitIsRefusedBeforeItsBytesCome) {
  FrameLimits const limits{.text_bytes_max = 10};
  EXPECT_EQ(inspect(client_frame(opcode::text, std::string(10, 't')), limits).pieces.size(), 1u);
  expect_refused(client_header(opcode::text, 11), 1009, limits);
  expect_refused(client_frame(opcode::text, std::string(8, 't'), false) +
                     client_header(opcode::continuation, 3),
                 1009, limits);
  std::uint64_t const most = ~std::uint64_t{0} >> 1;
  expect_refused(client_frame(opcode::text, "t", false) + client_header(opcode::continuation, most),
                 1009, limits);
}

TEST(FrameInspector, AFloodOfFragmentsIsRefused) {
  auto flood = client_frame(opcode::text, "", false);
  for (int i = 0; i < 100; ++i) flood += client_frame(opcode::continuation, "", false);
  expect_refused(flood, 1009, {.text_fragments_max = 100});
}

TEST(FrameInspector, WhatBreaksTheFramingIsRefused) {
  expect_refused(std::string("\x81\x05hello"), 1002);                        // not masked
  expect_refused("\xc1" + client_frame(opcode::text, "a").substr(1), 1002);  // reserved bit
  expect_refused(client_frame(3, "a"), 1002);                                // reserved opcodes
  expect_refused(client_frame(11, "a"), 1002);
  expect_refused(client_frame(opcode::continuation, "a"), 1002);
  expect_refused(client_frame(opcode::text, "a", false) + client_frame(opcode::text, "b"), 1002);
  expect_refused(client_frame(opcode::ping, "a", false), 1002);
  expect_refused(client_frame(opcode::ping, std::string(126, 'p')), 1002);
  expect_refused(client_frame(opcode::close, "x"), 1002);
  expect_refused(std::string("\x82\xfe\0\x05", 4) + "\1\2\3\4", 1002);  // 5 in two bytes
  expect_refused(std::string("\x82\xff\0\0\0\0\0\0\xff\xff", 10) + "\1\2\3\4", 1002);
}

TEST(FrameInspector, BinaryMayBeForbidden) {
  expect_refused(client_frame(opcode::binary, "a"), 1003, {.binary = false});
}

TEST(FrameInspector, AddsNoMoreThanItTookAndOneHeader) {
  FrameInspector inspector;
  std::string out;
  std::string const body(64 << 10, 'b');
  auto const header = client_header(opcode::binary, std::uint64_t{1} << 40);
  inspector.feed(std::as_bytes(std::span(header)), out);
  for (int i = 0; i < 64; ++i) {
    out.clear();
    auto const step = inspector.feed(std::as_bytes(std::span(body)), out);
    EXPECT_LE(out.size(), step.consumed + 14);
  }
}

TEST(FrameInspector, HeadersOfTheServersFramesHaveTheShortestLength) {
  EXPECT_EQ(binary_frame_header(125), std::string("\x82\x7d"));
  EXPECT_EQ(binary_frame_header(126), std::string("\x82\x7e\0\x7e", 4));
  EXPECT_EQ(binary_frame_header(65536), std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
}

}  // namespace
}  // namespace chisme::web
