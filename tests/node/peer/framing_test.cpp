#include "node/peer/framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace chisme::node {
namespace {

using Bytes = std::vector<std::byte>;

Digest some_digest() {
  Digest digest;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(i * 7);
  }
  return digest;
}

void append(Bytes& bytes, std::span<std::byte const> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes text(std::string_view letters) {
  Bytes bytes;
  append(bytes, std::as_bytes(std::span{letters.data(), letters.size()}));
  return bytes;
}

TEST(Framing, HelloSaysWhatFollowsAndFromWhom) {
  Hello const hello{StreamKind::push, NodeId{0x0123456789abcdef, 42}};
  EXPECT_EQ(parse_hello(encode(hello)), hello);
}

TEST(Framing, HelloOfAnotherProtocolVersionOrKindIsRefused) {
  for (std::size_t const at : {0u, 3u, 4u, 5u}) {
    auto bytes = encode(Hello{StreamKind::pull, NodeId{1, 2}});
    bytes[at] = std::byte{0x77};
    EXPECT_EQ(parse_hello(bytes), std::nullopt) << "byte " << at;
  }
}

TEST(Framing, PullRequestAndAnswerComeBackAsTheyWere) {
  PullRequest const request{some_digest(), ByteOffset{1ull << 40}, ByteCount{12345}};
  EXPECT_EQ(parse_pull_request(encode(request)), request);
  PullAnswer const answer{std::nullopt, ByteCount{100}, ByteCount{60}};
  EXPECT_EQ(parse_pull_answer(encode(answer)), answer);
  PullAnswer const refusal{Fault::not_found, {}, {}};
  EXPECT_EQ(parse_pull_answer(encode(refusal)), refusal);
}

TEST(Framing, PullAnswerThatPromisesMoreThanTheObjectHasIsRefused) {
  EXPECT_EQ(parse_pull_answer(encode(PullAnswer{{}, ByteCount{10}, ByteCount{11}})), std::nullopt);
}

TEST(Framing, PullAnswerWithAFaultAndBytesIsRefused) {
  PullAnswer const answer{Fault::io, ByteCount{10}, ByteCount{1}};
  EXPECT_EQ(parse_pull_answer(encode(answer)), std::nullopt);
}

TEST(Framing, EveryFaultSurvivesAPushAnswerAndNoOtherByteDoes) {
  for (int status = 0; status < 256; ++status) {
    std::array<std::byte, push_answer_bytes> bytes{};
    bytes[0] = static_cast<std::byte>(status);
    auto const answer = parse_push_answer(bytes);
    ASSERT_EQ(answer.has_value(), status <= static_cast<int>(Fault::io) + 1) << status;
    if (answer) EXPECT_EQ(encode(*answer), bytes);
  }
}

TEST(Framing, PushBeginKeepsTheSizeOrItsAbsence) {
  EXPECT_EQ(parse_push_begin(encode(PushBegin{})), PushBegin{});
  EXPECT_EQ(parse_push_begin(encode(PushBegin{ByteCount{0}})), PushBegin{ByteCount{0}});
  auto bytes = encode(PushBegin{});
  bytes[0] = std::byte{2};
  EXPECT_EQ(parse_push_begin(bytes), std::nullopt);
}

// A push of two chunks, as bytes.
Bytes two_chunks(PushEnd const& end) {
  Bytes bytes;
  append(bytes, encode_chunk_head(3));
  append(bytes, text("abc"));
  append(bytes, encode_chunk_head(2));
  append(bytes, text("de"));
  append(bytes, encode(end));
  return bytes;
}

TEST(PushParser, FindsChunksAndEndHoweverTheBytesAreCut) {
  PushEnd const end{some_digest(), ByteCount{5}};
  Bytes const all = two_chunks(end);
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    PushParser parser;
    Bytes data;
    std::optional<PushEnd> found;
    for (std::size_t at = 0; at < all.size() && !found;) {
      auto const bytes = std::span{all}.subspan(at, std::min(piece, all.size() - at));
      auto const progress = parser.feed(bytes);
      at += progress.consumed;
      append(data, progress.data);
      ASSERT_NE(progress.state, PushParser::State::bad);
      if (progress.state == PushParser::State::end) found = progress.end;
    }
    EXPECT_EQ(data, text("abcde")) << "pieces of " << piece;
    EXPECT_EQ(found, end) << "pieces of " << piece;
  }
}

TEST(PushParser, ChunkOverTheBoundIsBad) {
  PushParser parser;
  auto const head = encode_chunk_head(push_chunk_bytes_max + 1);
  EXPECT_EQ(parser.feed(head).state, PushParser::State::bad);
}

TEST(PushParser, ConsumesSomethingOfAnyBytes) {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 200 + 1);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random() % 4); });
    PushParser parser;
    std::span<std::byte const> rest{bytes};
    while (!rest.empty()) {
      auto const progress = parser.feed(rest);
      ASSERT_GT(progress.consumed, 0u);
      ASSERT_LE(progress.consumed, rest.size());
      rest = rest.subspan(progress.consumed);
      if (progress.state == PushParser::State::bad || progress.state == PushParser::State::end)
        break;
    }
  }
}

TEST(FrameParser, FindsFramesHoweverTheBytesAreCut) {
  Bytes all;
  append(all, encode_frame_head(5));
  append(all, text("hello"));
  append(all, encode_frame_head(0));
  append(all, encode_frame_head(2));
  append(all, text("!!"));
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    FrameParser parser{5};
    std::vector<Bytes> frames;
    for (std::size_t at = 0; at < all.size();) {
      auto const progress =
          parser.feed(std::span{all}.subspan(at, std::min(piece, all.size() - at)));
      at += progress.consumed;
      if (progress.state == FrameParser::State::frame) {
        frames.emplace_back(progress.frame.begin(), progress.frame.end());
      }
    }
    EXPECT_EQ(frames, (std::vector<Bytes>{text("hello"), {}, text("!!")})) << "pieces of " << piece;
  }
}

TEST(FrameParser, FrameOverTheBoundIsBadBeforeItsBytesCome) {
  FrameParser parser{1000};
  EXPECT_EQ(parser.feed(encode_frame_head(1001)).state, FrameParser::State::bad);
}

}  // namespace
}  // namespace chisme::node
