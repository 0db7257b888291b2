#include "web/http/parser.hpp"

#include <gtest/gtest.h>

#include "cluster/base/random.hpp"

namespace chisme::web {
namespace {

std::span<std::byte const> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}
std::string text_of(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// One message and what follows it.
struct Message {
  ParseState state = ParseState::head;
  std::string body;
  std::size_t consumed = 0;
  std::size_t runs = 0;
};

// Feeds `text` in pieces of `piece` bytes until the message is complete or failed.
Message read_message(RequestParser& parser, std::string_view text, std::size_t piece) {
  Message message;
  while (message.consumed < text.size()) {
    auto const progress = parser.feed(bytes_of(text.substr(message.consumed, piece)));
    message.state = progress.state;
    message.consumed += progress.consumed;
    message.body += text_of(progress.body);
    message.runs += progress.body.empty() ? 0 : 1;
    if (message.state == ParseState::complete || message.state == ParseState::failed) break;
  }
  return message;
}

std::string const chunked_put =
    "PUT /files/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\nTrailer: ignored\r\n\r\n";

TEST(RequestParser, ReadsAHeadWithoutABody) {
  RequestParser parser;
  std::string_view const text =
      "GET /files/a%20b?via=local HTTP/1.1\r\nHost: localhost:7701\r\nX:  two words \r\n\r\nrest";
  auto const progress = parser.feed(bytes_of(text));
  EXPECT_EQ(progress.state, ParseState::complete);
  EXPECT_EQ(progress.consumed, text.size() - 4);
  Request const& request = parser.request();
  EXPECT_EQ(request.method, Method::get);
  EXPECT_EQ(request.target, "/files/a%20b?via=local");
  EXPECT_EQ(request.header("hOST"), "localhost:7701");
  EXPECT_EQ(request.header("x"), "two words");
  EXPECT_EQ(request.header("y"), std::nullopt);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.has_body());
}

TEST(RequestParser, GivesABodyInRunsThatArePartsOfTheBytesGiven) {
  RequestParser parser;
  std::string_view const text =
      "PUT /files/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET";
  auto const head = parser.feed(bytes_of(text));
  EXPECT_EQ(head.state, ParseState::body);
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(parser.request().content_length, ByteCount{5});
  std::string_view const rest = text.substr(head.consumed);
  EXPECT_EQ(rest, "helloGET");
  auto const body = parser.feed(bytes_of(rest));
  EXPECT_EQ(body.state, ParseState::complete);
  EXPECT_EQ(body.consumed, 5u);
  EXPECT_EQ(text_of(body.body), "hello");
  EXPECT_EQ(static_cast<void const*>(body.body.data()), rest.data());
}

TEST(RequestParser, ReadsTheSameFromPiecesOfAnySize) {
  std::string const fixed =
      "PUT /files/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde";
  for (std::string const& text : {fixed, chunked_put}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      RequestParser parser;
      Message const message = read_message(parser, text, piece);
      EXPECT_EQ(message.state, ParseState::complete) << "piece " << piece;
      EXPECT_EQ(message.consumed, text.size()) << "piece " << piece;
      EXPECT_EQ(message.body, "abcde") << "piece " << piece;
      EXPECT_EQ(parser.request().header("trailer"), std::nullopt);
    }
  }
}

TEST(RequestParser, ReadsPipelinedRequestsOneByOne) {
  std::string const get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  std::string const put = "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy";
  std::string const text = get + put + chunked_put + get;
  RequestParser parser;
  std::size_t at = 0;
  std::vector<std::string> seen;
  while (at < text.size()) {
    Message const message = read_message(parser, std::string_view{text}.substr(at), 7);
    ASSERT_EQ(message.state, ParseState::complete);
    at += message.consumed;
    seen.push_back(parser.request().target + ":" + message.body);
    parser.next();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"/a:", "/b:xy", "/files/a:abcde", "/a:"}));
}

TEST(RequestParser, KnowsWhenTheConnectionEndsBetweenMessages) {
  RequestParser parser;
  EXPECT_TRUE(parser.finish_cleanly());
  (void)parser.feed(bytes_of("GET / HT"));
  EXPECT_FALSE(parser.finish_cleanly());
  (void)parser.feed(bytes_of("TP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"));
  (void)parser.feed(bytes_of("x"));
  EXPECT_FALSE(parser.finish_cleanly());
  (void)parser.feed(bytes_of("y"));
  EXPECT_TRUE(parser.finish_cleanly());
  parser.next();
  EXPECT_TRUE(parser.finish_cleanly());
}

TEST(RequestParser, TellsWhetherTheConnectionGoesOn) {
  auto const keeps = [](std::string const& head) {
    RequestParser parser;
    EXPECT_EQ(parser.feed(bytes_of(head + "\r\n")).state, ParseState::complete) << head;
    return parser.request().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"));
}

TEST(RequestParser, UnderstandsExpectContinue) {
  RequestParser parser;
  auto const progress = parser.feed(
      bytes_of("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"));
  EXPECT_EQ(progress.state, ParseState::body);
  EXPECT_TRUE(parser.request().expect_continue);
}

TEST(RequestParser, AWebSocketHandshakeEndsWithItsHead) {
  std::string const head =
      "GET /ws/read HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n";
  for (std::size_t const piece : {1u, 1000u}) {
    RequestParser parser;
    Message const message = read_message(parser, head + "\x81\x05hello", piece);
    EXPECT_EQ(message.state, ParseState::complete);
    EXPECT_EQ(message.consumed, head.size());
    EXPECT_TRUE(parser.request().upgrade_websocket);
  }
}

TEST(RequestParser, AnIncompleteOrForeignUpgradeIsAnOrdinaryRequest) {
  for (std::string const headers :
       {"Upgrade: h2c\r\nConnection: Upgrade\r\n", "Upgrade: websocket\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: short\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}) {
    RequestParser parser;
    std::string const get = "GET / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
    Message const message = read_message(parser, get + "GET", 1000);
    EXPECT_EQ(message.state, ParseState::complete) << headers;
    EXPECT_EQ(message.consumed, get.size()) << headers;
    EXPECT_FALSE(parser.request().upgrade_websocket) << headers;
  }
}

struct Refusal {
  char const* text;
  unsigned status;
};
Refusal const refusals[] = {
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"\x16\x03\x01\x02", 400},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     400},
    {"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffed\r\nx", 413},
    {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\norigin: http://b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX : b\r\n\r\n",
     400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: b\r\n "
     "c\r\n\r\n",
     400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: b\nY: "
     "c\r\n\r\n",
     400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "
     "\x01\r\n\r\n",
     400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n X: b\r\n\r\n", 400},
    {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: the-best\r\nContent-Length: 1\r\n\r\n", 417},
};

TEST(RequestParser, RefusesWhatAStrictReaderMust) {
  for (Refusal const& refusal : refusals) {
    for (std::size_t const piece : {1u, 1000u}) {
      RequestParser parser;
      Message const message = read_message(parser, refusal.text, piece);
      EXPECT_EQ(message.state, ParseState::failed) << refusal.text;
      if (message.state != ParseState::failed) continue;
      EXPECT_EQ(parser.failure().status, refusal.status) << refusal.text;
      EXPECT_TRUE(parser.failure().message.ends_with('.')) << parser.failure().message;
      EXPECT_EQ(parser.feed(bytes_of("GET")).state, ParseState::failed) << "a failure is final";
    }
  }
}

unsigned status_of(std::string const& text, ParserLimits limits) {
  RequestParser parser{limits};
  Message const message = read_message(parser, text, 100);
  return message.state == ParseState::failed ? parser.failure().status : 0;
}

TEST(RequestParser, KeepsToItsLimits) {
  ParserLimits const limits{
      .target_bytes_max = 100, .headers_bytes_max = 200, .header_count_max = 3};
  auto const get = [](std::string const& target, std::string const& headers) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
  };
  EXPECT_EQ(status_of(get("/" + std::string(99, 'a'), ""), limits), 0u);
  EXPECT_EQ(status_of(get("/" + std::string(100, 'a'), ""), limits), 414u);
  EXPECT_EQ(status_of("GET /" + std::string(10'000, 'a'), limits), 414u);
  EXPECT_EQ(status_of(get("/", "A: b\r\nC: d\r\n"), limits), 0u);
  EXPECT_EQ(status_of(get("/", "A: b\r\nC: d\r\nE: f\r\n"), limits), 431u);
  EXPECT_EQ(status_of(get("/", "A: " + std::string(300, 'b') + "\r\n"), limits), 431u);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA:" + std::string(10'000, ' '), limits), 431u);
  std::string const chunked =
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x');
  EXPECT_EQ(status_of(chunked, limits), 431u);
}

TEST(RequestParser, SurvivesRandomAndDamagedBytes) {
  Random random{1};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random.chance(0.5) ? chunked_put : "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    std::uint64_t const changes = 1 + random.below(5);
    for (std::uint64_t i = 0; i < changes; ++i) {
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    }
    RequestParser parser;
    Message const message = read_message(parser, text, 1 + random.below(text.size()));
    EXPECT_LE(message.consumed, text.size());
    EXPECT_LE(message.body.size(), text.size());
  }
}

}  // namespace
}  // namespace chisme::web
