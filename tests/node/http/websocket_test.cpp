#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/node/http/client.hpp"
#include "tests/node/http/counting_gateway.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"
#include "tests/web/websocket/client_codec.hpp"

namespace chisme::node {
namespace {

using web::client_close;
using web::client_frame;
using web::client_header;
using web::masked;
namespace opcode = web::opcode;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

void upgrade(Client& client, std::string const& target) {
  client.send("GET " + target +
              " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
              web::test_key + "\r\n\r\n");
  auto const answer = client.response();
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 101);
  EXPECT_EQ(answer->headers.at("sec-websocket-accept"), web::test_key_accepted);
}
web::ServerFrame next_frame(Client& client) {
  while (true) {
    if (auto frame = web::take_frame(client.received)) return *frame;
    if (!client.fill(client.received.size() + 1)) return {};
  }
}
std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmRSS:") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

class WebSocketOverSockets : public testing::TestWithParam<Over> {
 protected:
  WebSocketOverSockets() { over_of_test() = GetParam(); }
  ~WebSocketOverSockets() override { over_of_test() = Over::plain; }
};
INSTANTIATE_TEST_SUITE_P(Over, WebSocketOverSockets, testing::Values(Over::plain, Over::tls),
                         [](auto const& it) { return it.param == Over::tls ? "Tls" : "Plain"; });

TEST_P(WebSocketOverSockets, ReadsBlocksOfAFile) {
  web::MemoryGateway gateway;
  std::string const bytes(3 << 20, 'f');
  gateway.add("film", bytes, "video/mp4");
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/read");
  client.send(client_frame(
      opcode::text,
      R"({"id":9,"op":"read","file":"film","version":"","offset":5,"length":3000000})"));
  std::size_t got = 0;
  while (got < 3'000'000) {
    auto const frame = next_frame(client);
    ASSERT_EQ(frame.code, opcode::binary);
    EXPECT_EQ(frame.payload.substr(0, 12), web::big_endian(9, 4) + web::big_endian(5 + got, 8));
    got += frame.payload.size() - 12;
  }
  EXPECT_EQ(got, 3'000'000u);
  client.send(client_close(1000));
  EXPECT_EQ(next_frame(client).code, opcode::close);
  EXPECT_TRUE(client.ended());
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 0; });
}

TEST_P(WebSocketOverSockets, PushesAFileToTheEnd) {
  web::MemoryGateway gateway;
  std::string const bytes(5 << 20, 'f');
  gateway.add("film", bytes, "video/mp4");
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/files/film?offset=10");
  std::size_t got = 0;
  auto frame = next_frame(client);
  for (; frame.code == opcode::binary; frame = next_frame(client)) got += frame.payload.size();
  EXPECT_EQ(got, bytes.size() - 10);
  EXPECT_EQ(frame.code, opcode::close);
  EXPECT_EQ(frame.close_code(), 1000);
}

TEST_P(WebSocketOverSockets, AnUploadOf100MiBInOneMessageTakesConstantMemory) {
  CountingGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/upload?name=big");
  std::size_t const total = 100 << 20;
  auto const megabyte = masked(std::string(1 << 20, 'b'));
  std::size_t const before = resident_kib();
  std::size_t peak = 0;
  client.send(client_header(opcode::binary, total));
  for (std::size_t sent = 0; sent < total; sent += megabyte.size()) {
    ASSERT_TRUE(client.send(megabyte));
    peak = std::max(peak, resident_kib());
  }
  client.send(client_close(1000));
  auto const reply = next_frame(client);
  EXPECT_EQ(reply.code, opcode::text) << reply.close_code() << reply.payload;
  EXPECT_THAT(reply.payload, testing::HasSubstr("\"size\":104857600"));
  EXPECT_EQ(next_frame(client).close_code(), 1000);
  EXPECT_EQ(gateway.unexpected_bytes, 0u);
  EXPECT_LE(gateway.largest_write, 256u << 10);
  // A sanitizer keeps freed memory for a while.
  if (!sanitized) EXPECT_LT(peak, before + (16 << 10));
}

TEST_P(WebSocketOverSockets, ATooLongTextIsToldSoAlthoughMoreComes) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/read");
  client.send(client_header(opcode::text, 1 << 20));
  client.send(std::string(1 << 20, 't'));
  auto const frame = next_frame(client);
  EXPECT_EQ(frame.code, opcode::close);
  EXPECT_EQ(frame.close_code(), 1009);
  EXPECT_TRUE(client.ended());
}

TEST_P(WebSocketOverSockets, DrainingTellsClientsThatTheNodeGoesAway) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/read");
  server.on_loop([](HttpListener& listener) { listener.drain(); });
  EXPECT_EQ(next_frame(client).close_code(), 1001);
  client.send(client_close(1001));
  EXPECT_TRUE(client.ended());
}

TEST_P(WebSocketOverSockets, StoppingCutsSessionsOff) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  upgrade(client, "/ws/upload?name=a");
  client.send(client_frame(opcode::binary, "hello"));
  server.wait_until([&](HttpListener&) { return gateway.uploads_begun.size() == 1; });
  server.stop();
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(gateway.files.empty());
}

}  // namespace
}  // namespace chisme::node
