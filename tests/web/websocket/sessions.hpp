#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/web/memory_gateway.hpp"
#include "tests/web/websocket/client_codec.hpp"
#include "tests/web/websocket/memory_stream.hpp"
#include "web/websocket/server.hpp"

namespace chisme::web {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A server and one client of it.
class Sessions : public testing::Test {
 protected:
  void serve(WebSocketSession session, std::string already_read = "") {
    serve_to(AcceptWebSocket{std::move(session)}, {}, std::move(already_read));
  }
  // Returns the head of the answer.
  std::string serve_to(AcceptWebSocket accepted, std::vector<Header> const& headers,
                       std::string already_read = "") {
    Request request;
    request.headers = {{"Sec-WebSocket-Key", test_key}};
    request.headers.insert(request.headers.end(), headers.begin(), headers.end());
    server.serve(std::make_unique<MemoryStream>(loop, client), request, std::move(already_read),
                 std::move(accepted), [this] { ++closed; });
    loop.run();
    auto const end = client->received.find("\r\n\r\n");
    EXPECT_NE(end, std::string::npos);
    std::string head = client->received.substr(0, end);
    EXPECT_THAT(head, testing::HasSubstr(test_key_accepted));
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 "));
    client->received.erase(0, std::min(client->received.size(), head.size() + 4));
    return head;
  }
  void send(std::string const& bytes) {
    client->to_send += bytes;
    client->wake();
    run();
  }
  void send_text(std::string const& text) { send(client_frame(opcode::text, text)); }
  void run() {
    loop.run();
    while (gateway.deferred) {
      auto const before = client->sent + client->received.size();
      gateway.run_later();
      loop.run();
      if (before == client->sent + client->received.size()) break;
    }
  }
  std::optional<ServerFrame> next() { return take_frame(client->received); }
  Json next_json() {
    auto const frame = next();
    if (!frame || frame->code != opcode::text) return Json{};
    return Json::parse(frame->payload);
  }
  void expect_close(int code) {
    auto const frame = next();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->code, opcode::close);
    EXPECT_EQ(frame->close_code(), code) << frame->payload;
    if (code != 1002 && !client->server_ended) send(client_close(code));
    EXPECT_TRUE(client->server_ended);
    EXPECT_EQ(closed, 1);
    EXPECT_EQ(gateway.in_flight, 0);
  }
  std::string read_request(int id, std::string const& file, std::uint64_t offset,
                           std::uint64_t length, std::string const& version = "") {
    Json request{
        {"id", id}, {"op", "read"}, {"file", file}, {"offset", offset}, {"length", length}};
    if (!version.empty()) request["version"] = version;
    return request.dump();
  }

  TestLoop loop;
  MemoryGateway gateway;
  std::shared_ptr<ClientEnd> client = std::make_shared<ClientEnd>();
  int closed = 0;
  WebSocketServer server{gateway};
};

inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

}  // namespace chisme::web
