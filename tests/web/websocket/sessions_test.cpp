#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/web/memory_gateway.hpp"
#include "tests/web/websocket/client_codec.hpp"
#include "tests/web/websocket/memory_stream.hpp"
#include "web/websocket/server.hpp"

namespace chisme::web {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A server and one client of it.
class Sessions : public testing::Test {
 protected:
  void serve(WebSocketSession session, std::string already_read = "") {
    Request request;
    request.headers = {{"Sec-WebSocket-Key", test_key}};
    server.serve(std::make_unique<MemoryStream>(loop, client), request, std::move(already_read),
                 std::move(session), [this] { ++closed; });
    loop.run();
    auto const end = client->received.find("\r\n\r\n");
    ASSERT_NE(end, std::string::npos);
    EXPECT_THAT(client->received.substr(0, end), testing::HasSubstr(test_key_accepted));
    EXPECT_TRUE(client->received.starts_with("HTTP/1.1 101 "));
    client->received.erase(0, end + 4);
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

UploadSession upload_of(std::string name) {
  UploadRequest request;
  request.name = std::move(name);
  return {std::move(request)};
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

TEST_F(Sessions, AReadIsAnsweredByMessagesWithIdAndOffset) {
  auto const bytes = pattern(600'000);
  gateway.add("film", bytes, "video/mp4");
  serve(ReadSession{});
  send_text(read_request(7, "film", 100, 550'000));
  std::string got;
  while (auto const frame = next()) {
    ASSERT_EQ(frame->code, opcode::binary);
    EXPECT_EQ(frame->payload.substr(0, 12), big_endian(7, 4) + big_endian(100 + got.size(), 8));
    EXPECT_LE(frame->payload.size(), (256u << 10) + 12);
    got += frame->payload.substr(12);
  }
  EXPECT_EQ(got, bytes.substr(100, 550'000));
  EXPECT_EQ(gateway.in_flight, 0);
  EXPECT_EQ(gateway.delivered_bytes.value(), 550'000u);
}

TEST_F(Sessions, AReadAtTheEndIsAnEmptyMessageAndOnePastItAnError) {
  gateway.add("a", "12345", "text/plain");
  serve(ReadSession{});
  send_text(read_request(1, "a", 5, 10));
  EXPECT_EQ(next()->payload, big_endian(1, 4) + big_endian(5, 8));
  send_text(read_request(2, "a", 6, 10));
  EXPECT_EQ(next_json()["status"], 416);
}

TEST_F(Sessions, AReadThatCannotBeAnsweredSaysWhyAndWhoCan) {
  gateway.add("here", "1", "text/plain");
  gateway.add("elsewhere", "2", "text/plain").local = false;
  gateway.absent_because["gone"] = LookupStatus::lost;
  serve(ReadSession{});
  send_text(read_request(1, "nothing", 0, 1));
  EXPECT_EQ(next_json()["status"], 404);
  send_text(read_request(2, "elsewhere", 0, 1));
  auto const elsewhere = next_json();
  EXPECT_EQ(elsewhere["id"], 2);
  EXPECT_EQ(elsewhere["replicas"][0]["ws"], "ws://127.0.0.1:7701");
  send_text(read_request(3, "here", 0, 1, "0-other"));
  EXPECT_EQ(next_json()["status"], 409);
  send_text(read_request(4, "gone", 0, 1));
  EXPECT_EQ(next_json()["status"], 410);
  send_text(read_request(5, "here", 0, (16 << 20) + 1));
  EXPECT_EQ(next_json()["status"], 400);
  send_text(R"({"id":6,"op":"dance"})");
  EXPECT_EQ(next_json()["status"], 400);
  send_text(read_request(7, "here", 0, 1));
  EXPECT_EQ(next()->payload.substr(12), "1");
}

TEST_F(Sessions, AReadOfACopyThatJustWentSendsTheClientElsewhere) {
  gateway.add("a", "1", "text/plain");
  gateway.copies_gone = true;
  serve(ReadSession{});
  send_text(read_request(1, "a", 0, 1));
  auto const answer = next_json();
  EXPECT_EQ(answer["status"], 421) << "the file itself is still there";
  EXPECT_FALSE(answer["replicas"].empty());
}

TEST_F(Sessions, WhatIsNoRequestEndsTheConnection) {
  serve(ReadSession{});
  send_text("[1,2");
  EXPECT_EQ(next_json()["status"], 400);
  expect_close(1008);
}

TEST_F(Sessions, RequestsBeyondSixteenAreRefusedAndCancelFreesThem) {
  gateway.add("film", pattern(1 << 20), "video/mp4");
  serve(ReadSession{});
  client->reads = false;
  std::string requests;
  for (int id = 1; id <= 20; ++id) {
    requests += client_frame(opcode::text, read_request(id, "film", 0, 1 << 20));
  }
  send(requests);
  EXPECT_EQ(gateway.in_flight, 16);
  for (int id = 1; id <= 20; ++id) {
    send_text(R"({"op":"cancel","id":)" + std::to_string(id) + "}");
  }
  EXPECT_EQ(gateway.in_flight, 0);
  client->reads = true;
  client->wake();
  run();
  int objects = 0;
  std::vector<int> refused;
  while (auto const frame = next()) {
    if (frame->code == opcode::binary) ++objects;
    if (frame->code == opcode::text) refused.push_back(Json::parse(frame->payload)["id"]);
  }
  EXPECT_EQ(objects, 1);
  EXPECT_EQ(refused, (std::vector{17, 18, 19, 20}));
}

TEST_F(Sessions, MessagesShrinkForASlowClient) {
  gateway.add("film", pattern(4 << 20), "video/mp4");
  serve(ReadSession{});
  client->reads = false;
  send_text(read_request(1, "film", 0, 4 << 20));
  std::size_t smallest = 1 << 20;
  for (int i = 0; i < 3; ++i) {
    loop.advance(1s);
    client->reads = true;
    client->wake();
    client->reads = true;
    // One write completes, the next one stalls.
    auto const reads = client.get();
    loop.post([reads] { reads->reads = false; });
    run();
    while (auto const frame = next()) smallest = std::min(smallest, frame->payload.size());
  }
  EXPECT_LE(smallest, (64u << 10) + 12);
}

TEST_F(Sessions, APingIsAnsweredBetweenTheMessagesOfARead) {
  gateway.add("film", pattern(4 << 20), "video/mp4");
  serve(ReadSession{});
  send(client_frame(opcode::text, read_request(1, "film", 0, 4 << 20)) +
       client_frame(opcode::ping, "hello"));
  int before = 0;
  int after = 0;
  bool ponged = false;
  while (auto const frame = next()) {
    if (frame->code == opcode::pong) {
      ponged = true;
      EXPECT_EQ(frame->payload, "hello");
    } else {
      ++(ponged ? after : before);
    }
  }
  EXPECT_TRUE(ponged);
  EXPECT_LE(before, 3);
  EXPECT_GE(after, 13);
}

TEST_F(Sessions, APushSendsTheFileFromTheOffsetAndClosesNormally) {
  auto const bytes = pattern(700'000);
  auto const file = gateway.add("film", bytes, "video/mp4");
  serve(PushSession{file, ByteOffset{1000}});
  std::string got;
  while (client->received.size() > 10) got += next()->payload;
  EXPECT_EQ(got, bytes.substr(1000));
  expect_close(1000);
}

TEST_F(Sessions, APushIsRelayedWhenTheFileIsElsewhere) {
  auto const bytes = pattern(300'000);
  auto file = gateway.add("film", bytes, "video/mp4");
  file.local = false;
  serve(PushSession{file, ByteOffset{7}});
  std::string got;
  while (client->received.size() > 10) got += next()->payload;
  EXPECT_EQ(got, bytes.substr(7));
  expect_close(1000);
}

TEST_F(Sessions, APushWhoseSourcesAllFailEndsWithAnInternalError) {
  auto file = gateway.add("film", pattern(1000), "video/mp4");
  file.local = false;
  file.size = ByteCount{2000};
  serve(PushSession{file, ByteOffset{0}});
  EXPECT_EQ(next()->payload.size(), 1000u);
  expect_close(1011);
  EXPECT_EQ(gateway.own_faults, 1);
}

TEST_F(Sessions, APushPastTheEndIsRefused) {
  auto const file = gateway.add("film", "abc", "video/mp4");
  serve(PushSession{file, ByteOffset{4}});
  expect_close(1008);
}

TEST_F(Sessions, AnUploadEndsWithAnEmptyMessageAndRepliesBeforeTheClose) {
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello ") + client_frame(opcode::binary, "world"));
  EXPECT_FALSE(next());
  send(client_frame(opcode::binary, ""));
  auto const reply = next_json();
  EXPECT_EQ(reply["name"], "a");
  EXPECT_EQ(reply["size"], 11);
  expect_close(1000);
  EXPECT_EQ(gateway.objects.at(gateway.files.at("a").digest), "hello world");
}

TEST_F(Sessions, AnUploadEndsWithTheClientsCloseAndRepliesBeforeItsOwn) {
  gateway.deferred = true;
  serve(upload_of("a"), client_frame(opcode::binary, "hello") + client_close(1000));
  run();
  EXPECT_EQ(next_json()["size"], 5);
  expect_close(1000);
  EXPECT_EQ(gateway.objects.at(gateway.files.at("a").digest), "hello");
  EXPECT_EQ(gateway.uploads_aborted, 0);
}

TEST_F(Sessions, AClientThatWaitsInSilenceWhileItsUploadIsStoredIsKept) {
  gateway.deferred = true;
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello"));
  client->to_send = client_close(1000);
  client->wake();
  loop.run();
  loop.advance(300s);
  EXPECT_EQ(closed, 0);
  while (auto const ping = next()) EXPECT_EQ(ping->code, opcode::ping);
  run();
  EXPECT_EQ(next_json()["size"], 5);
  expect_close(1000);
}

TEST_F(Sessions, AnUploadOfOneLargeMessageIsReadNoFasterThanItIsWritten) {
  gateway.deferred = true;
  serve(upload_of("big"));
  auto const bytes = pattern(5'000'000);
  client->to_send = client_frame(opcode::binary, bytes) + client_frame(opcode::binary, "");
  client->wake();
  loop.run();
  std::size_t taken = client->sent;
  while (gateway.files.empty()) {
    gateway.run_later();
    loop.run();
    // A piece and the reader's buffers.
    ASSERT_LE(client->sent - taken, 400'000u);
    taken = client->sent;
  }
  run();
  EXPECT_EQ(next_json()["size"], 5'000'000);
  expect_close(1000);
  EXPECT_EQ(gateway.objects.at(gateway.files.at("big").digest), bytes);
}

TEST_F(Sessions, AnUploadIsAbortedWhenTheConnectionBreaks) {
  serve(upload_of("a"));
  client->ended = true;
  send(client_frame(opcode::binary, "hello"));
  EXPECT_EQ(closed, 1);
  EXPECT_TRUE(gateway.files.empty());
  EXPECT_EQ(gateway.uploads_aborted, 1);
}

TEST_F(Sessions, AnUploadIsAbortedWhenItsPageGoesAwayOrAMessageIsCutOff) {
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello") + client_close(1001));
  expect_close(1001);
  EXPECT_TRUE(gateway.files.empty());
  EXPECT_EQ(gateway.uploads_aborted, 1);
}

TEST_F(Sessions, AnUploadCutOffWithinAMessageIsAborted) {
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello", false) + client_close(1000));
  expect_close(1000);
  EXPECT_TRUE(gateway.files.empty());
}

TEST_F(Sessions, AnUploadThatCannotBeStoredSaysWhy) {
  gateway.free_bytes = 3;
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello"));
  EXPECT_EQ(next_json()["status"], 507);
  expect_close(1011);
  EXPECT_TRUE(gateway.files.empty());
}

TEST_F(Sessions, AnUploadWithoutAQuorumIsRefusedAtOnce) {
  gateway.quorum = false;
  serve(upload_of("a"));
  EXPECT_EQ(next_json()["status"], 503);
  expect_close(1011);
}

TEST_F(Sessions, AnUploadOfUnknownOutcomeGetsNoReply) {
  gateway.unknown_outcome = true;
  serve(upload_of("a"));
  send(client_frame(opcode::binary, "hello") + client_frame(opcode::binary, ""));
  expect_close(1011);
}

TEST_F(Sessions, TheClusterIsSentInFullAndThenItsEventsAndChanges) {
  gateway.add("a", "1", "text/plain");
  serve(ClusterSession{});
  auto const state = next_json();
  EXPECT_EQ(state["type"], "state");
  EXPECT_EQ(state["files"][0]["name"], "a");
  gateway.emit({"lost", R"({"sha256":"00"})"});
  run();
  EXPECT_EQ(next_json(), (Json{{"type", "lost"}, {"sha256", "00"}}));
  loop.advance(3s);
  EXPECT_FALSE(next());  // nothing changed
  gateway.in_touch = false;
  loop.advance(600ms);
  EXPECT_EQ(next_json()["cluster"]["in_touch"], false);
  loop.advance(3s);
  EXPECT_FALSE(next());
}

TEST_F(Sessions, ASlowClientOfTheClusterGetsTheStateAnewInsteadOfItsEvents) {
  serve(ClusterSession{});
  next();
  client->reads = false;
  std::string const sentence(1000, 's');
  for (int i = 0; i < 2000; ++i) gateway.emit({"repair", "{\"stage\":\"" + sentence + "\"}"});
  gateway.add("new", "1", "text/plain");
  client->reads = true;
  client->wake();
  run();
  std::size_t bytes = 0;
  Json last;
  while (auto const frame = next()) {
    bytes += frame->payload.size();
    last = Json::parse(frame->payload);
  }
  EXPECT_LT(bytes, 300'000u);
  EXPECT_EQ(last["type"], "state");
  EXPECT_EQ(last["files"][0]["name"], "new");
}

TEST_F(Sessions, ASilentClientIsPingedAndThenCutOff) {
  serve(ClusterSession{});
  next();
  loop.advance(21s);
  EXPECT_EQ(next()->code, opcode::ping);
  loop.advance(30s);
  EXPECT_EQ(closed, 0);
  loop.advance(10s);
  EXPECT_EQ(closed, 1);
  EXPECT_TRUE(client->server_ended);
}

TEST_F(Sessions, AClientThatAnswersPingsIsKept) {
  serve(ReadSession{});
  for (int i = 0; i < 20; ++i) {
    loop.advance(20s);
    send(client_frame(opcode::pong, ""));
  }
  EXPECT_EQ(closed, 0);
}

TEST_F(Sessions, AFloodOfPingsByAClientThatReadsNothingIsNotBuffered) {
  serve(ReadSession{});
  client->reads = false;
  std::string const ping = client_frame(opcode::ping, std::string(125, 'p'));
  for (int i = 0; i < 100'000; ++i) client->to_send += ping;
  client->wake();
  run();
  EXPECT_LT(client->sent, 1u << 20);
}

TEST_F(Sessions, ABrokenFrameIsAnsweredByACloseThatReachesTheClient) {
  serve(ReadSession{});
  send(std::string("\x81\x02hi", 4));
  expect_close(1002);
}

TEST_F(Sessions, ATextThatIsNotUtf8Is1007) {
  serve(ReadSession{});
  send(client_frame(opcode::text, "\xff\xfe"));
  expect_close(1007);
}

TEST_F(Sessions, ATooLongTextIs1009) {
  serve(ReadSession{});
  send(client_header(opcode::text, 100'000));
  expect_close(1009);
}

TEST_F(Sessions, BinaryMessagesWhereNoneBelongAre1003) {
  serve(ClusterSession{});
  next();
  send(client_frame(opcode::binary, "x"));
  expect_close(1003);
}

TEST_F(Sessions, AllAreToldThatTheNodeGoesAway) {
  serve(ClusterSession{});
  next();
  server.close_all();
  run();
  expect_close(1001);
  EXPECT_EQ(server.open_sessions(), 0u);
}

TEST_F(Sessions, AClientThatDoesNotAnswerACloseIsCutOff) {
  serve(ClusterSession{});
  next();
  server.close_all();
  run();
  EXPECT_EQ(next()->code, opcode::close);
  loop.advance(31s);
  EXPECT_EQ(closed, 1);
}

TEST_F(Sessions, AbortingAllEndsEverySession) {
  gateway.deferred = true;
  serve(upload_of("a"), client_frame(opcode::binary, "hello"));
  server.abort_all();
  run();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(gateway.in_flight, 0);
  EXPECT_TRUE(gateway.files.empty());
}

TEST_F(Sessions, EverySplitOfAClientsBytesIsUnderstood) {
  gateway.add("a", "12345", "text/plain");
  serve(ReadSession{});
  auto const bytes = client_frame(opcode::ping, "p") +
                     client_frame(opcode::text, read_request(1, "a", 1, 3)) + client_close(1000);
  for (char const byte : bytes) send(std::string(1, byte));
  EXPECT_EQ(next()->code, opcode::pong);
  EXPECT_EQ(next()->payload.substr(12), "234");
  expect_close(1000);
}

}  // namespace
}  // namespace chisme::web
