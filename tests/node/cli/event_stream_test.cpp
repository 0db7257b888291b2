#include "node/cli/event_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/node/cli/tiny_server.hpp"

namespace chisme::node::cli {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string const handshake =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n\r\n";

// The messages that come before the stream ends, and then how it ended.
std::vector<std::string> all(TinyServer& server) {
  auto stream = EventStream::open(server.origin(), "/ws/cluster");
  if (!stream) return {"not opened: " + stream.error().message};
  std::vector<std::string> messages;
  for (;;) {
    auto const message = stream->next();
    if (!message) {
      messages.push_back("broken: " + message.error().message);
      return messages;
    }
    if (!*message) {
      messages.push_back("closed");
      return messages;
    }
    messages.push_back(**message);
  }
}

TEST(EventStream, MessagesOfEveryLengthAndInFragmentsArriveWhole) {
  std::string const medium(300, 'm');
  std::string const large(70'000, 'l');
  TinyServer server({{handshake + "\x81\x02hi"s + "\x81\x7e\x01\x2c"s + medium +
                      "\x81\x7f\0\0\0\0\0\x01\x11\x70"s + large + "\x01\x02sp"s + "\x89\x01p"s +
                      "\x80\x02li"s + "\x88\0"s}});
  EXPECT_EQ(all(server), (std::vector<std::string>{"hi", medium, large, "spli", "closed"}));
  EXPECT_THAT(server.requests().at(0), HasSubstr("GET /ws/cluster HTTP/1.1\r\n"));
}

TEST(EventStream, AnAnswerThatOpensNoWebSocketIsAnError) {
  for (std::string const& text : {answer(404, ""),
                                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n"s}) {
    TinyServer server({{text}});
    EXPECT_THAT(all(server).at(0), HasSubstr("opens no WebSocket"));
  }
}

TEST(EventStream, GiantAndMaskedFramesAreRefusedBeforeTheyAreWaitedFor) {
  for (std::string const& frame :
       {"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x81\x7f\0\0\0\0\x7f\0\0\0"s, "\x81\x82"s}) {
    TinyServer server({{handshake + frame}});
    EXPECT_THAT(all(server).at(0), HasSubstr("too large or masked"));
  }
}

TEST(EventStream, AConnectionThatBreaksOffInAFrameIsAnErrorNotAMessage) {
  TinyServer server({{handshake + "\x81\x05hi"s}});
  EXPECT_THAT(all(server).at(0), HasSubstr("broken: "));
}

}  // namespace
}  // namespace chisme::node::cli
