#include "web/http/response_parser.hpp"

#include <gtest/gtest.h>

namespace chisme::web {
namespace {

struct ReceivedMessage {
  ParseState state = ParseState::head;
  std::string body;
  std::size_t consumed = 0;
};
ReceivedMessage read_message(ResponseParser& parser, std::string_view text, std::size_t piece) {
  ReceivedMessage message;
  while (message.consumed < text.size()) {
    std::string_view const next = text.substr(message.consumed, piece);
    auto const progress = parser.feed(std::as_bytes(std::span{next}));
    message.state = progress.state;
    message.consumed += progress.consumed;
    message.body.append(reinterpret_cast<char const*>(progress.body.data()), progress.body.size());
    if (message.state == ParseState::complete || message.state == ParseState::failed) break;
  }
  return message;
}

TEST(ResponseParser, ReadsHeadAndBodyFromPiecesOfAnySize) {
  std::string const text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ResponseParser parser;
    ReceivedMessage const message = read_message(parser, text, piece);
    EXPECT_EQ(message.state, ParseState::complete);
    EXPECT_EQ(message.body, "hello");
    EXPECT_EQ(parser.response().status, 200u);
    EXPECT_EQ(parser.response().header("etag"), "\"x\"");
    EXPECT_EQ(parser.response().content_length, ByteCount{5});
    EXPECT_TRUE(parser.response().keep_alive);
  }
}

TEST(ResponseParser, ReadsChunksAndTheNextResponse) {
  std::string const text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\n";
  ResponseParser parser;
  ReceivedMessage const first = read_message(parser, text, 9);
  EXPECT_EQ(first.state, ParseState::complete);
  EXPECT_EQ(first.body, "abc");
  parser.next();
  ReceivedMessage const second =
      read_message(parser, std::string_view{text}.substr(first.consumed), 9);
  EXPECT_EQ(second.state, ParseState::complete);
  EXPECT_EQ(parser.response().status, 204u);
}

TEST(ResponseParser, SkipsInterimResponses) {
  std::string const text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
  for (std::size_t const piece : {1u, 30u, 1000u}) {
    ResponseParser parser;
    ReceivedMessage const message = read_message(parser, text, piece);
    EXPECT_EQ(message.state, ParseState::complete);
    EXPECT_EQ(parser.response().status, 201u);
    EXPECT_EQ(message.body, "ok");
    EXPECT_EQ(message.consumed, text.size());
  }
}

TEST(ResponseParser, SwitchingProtocolsEndsWithItsHead) {
  std::string const head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  ResponseParser parser;
  ReceivedMessage const message = read_message(parser, head + "frame", 1000);
  EXPECT_EQ(message.state, ParseState::complete);
  EXPECT_EQ(message.consumed, head.size());
  EXPECT_EQ(parser.response().status, 101u);
}

TEST(ResponseParser, TheAnswerToHeadHasNoBody) {
  std::string const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  ResponseParser parser;
  parser.expect_no_body();
  ReceivedMessage const message = read_message(parser, head + "HTTP", 1000);
  EXPECT_EQ(message.state, ParseState::complete);
  EXPECT_EQ(message.consumed, head.size());
  EXPECT_EQ(parser.response().content_length, ByteCount{5});
}

TEST(ResponseParser, ABodyWithoutALengthEndsWithTheStream) {
  ResponseParser parser;
  ReceivedMessage const message = read_message(parser, "HTTP/1.1 200 OK\r\n\r\nhello", 20);
  EXPECT_EQ(message.state, ParseState::body);
  EXPECT_EQ(message.body, "hello");
  EXPECT_TRUE(parser.finish());
}

TEST(ResponseParser, ABodyCutShortIsNotWhole) {
  for (std::string const text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-"}) {
    ResponseParser parser;
    (void)read_message(parser, text, 1000);
    EXPECT_FALSE(parser.finish()) << text;
  }
}

TEST(ResponseParser, RefusesAmbiguousFramingAndOtherProtocols) {
  for (std::string const text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 99 OK\r\n\r\n"}) {
    ResponseParser parser;
    EXPECT_EQ(read_message(parser, text, 1000).state, ParseState::failed) << text;
  }
}

}  // namespace
}  // namespace chisme::web
