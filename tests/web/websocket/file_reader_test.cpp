#include "tests/web/websocket/sessions.hpp"

// The requests of /ws/read.
namespace chisme::web {
namespace {

class FileReads : public Sessions {};

TEST_F(FileReads, AReadIsAnsweredByMessagesWithIdAndOffset) {
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

TEST_F(FileReads, AReadAtTheEndIsAnEmptyMessageAndOnePastItAnError) {
  gateway.add("a", "12345", "text/plain");
  serve(ReadSession{});
  send_text(read_request(1, "a", 5, 10));
  EXPECT_EQ(next()->payload, big_endian(1, 4) + big_endian(5, 8));
  send_text(read_request(2, "a", 6, 10));
  EXPECT_EQ(next_json()["status"], 416);
}

TEST_F(FileReads, WhatIsNoNameOfAUsersFileIsNotRead) {
  gateway.add("\x01uploads/id/about", "secret", "application/octet-stream");
  serve(ReadSession{});
  for (char const* const name : {"\x01uploads/id/about", "", "a/../b", "a\nb"}) {
    send_text(read_request(1, name, 0, 6));
    EXPECT_EQ(next_json()["status"], 400) << name;
  }
}

TEST_F(FileReads, AReadThatCannotBeAnsweredSaysWhyAndWhoCan) {
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

TEST_F(FileReads, AReadOfAFileWithoutAKnownCopyAsksOthersFirst) {
  gateway.absent_because["a"] = LookupStatus::lost;
  gateway.elsewhere["a"] = gateway.add("a", "1", "text/plain");
  serve(ReadSession{});
  send_text(read_request(1, "a", 0, 1));
  EXPECT_EQ(next()->payload.substr(12), "1");
}

TEST_F(FileReads, AReadOfACopyThatJustWentSendsTheClientElsewhere) {
  gateway.add("a", "1", "text/plain");
  gateway.copies_gone = true;
  serve(ReadSession{});
  send_text(read_request(1, "a", 0, 1));
  auto const answer = next_json();
  EXPECT_EQ(answer["status"], 421) << "the file itself is still there";
  EXPECT_FALSE(answer["replicas"].empty());
}

TEST_F(FileReads, AReadOfWhatOnlyOtherNodesKnowAsksThemAndSaysWhoCan) {
  FileInfo const old = gateway.add("a", "1", "text/plain");
  FileInfo fresh = gateway.add("a", "22", "text/plain");
  fresh.local = false;
  gateway.files["a"] = old;
  gateway.elsewhere["a"] = fresh;
  gateway.elsewhere["b"] = fresh;
  gateway.deferred = true;
  serve(ReadSession{});
  for (auto const& [name, version] :
       {std::pair{"a", fresh.version}, std::pair{"b", std::string{}}}) {
    send_text(read_request(1, name, 0, 1, version));
    auto const answer = next_json();
    EXPECT_EQ(answer["status"], 421) << name;
    EXPECT_EQ(answer["replicas"][0]["ws"], "ws://127.0.0.1:7701");
  }
  send_text(read_request(2, "a", 0, 1));
  EXPECT_EQ(next()->payload.substr(12), "1") << "no version: what this node has";
}

TEST_F(FileReads, AReadThatIsCancelledOrCutOffWhileOthersAreAskedIsNotAnswered) {
  gateway.add("a", "1", "text/plain");
  gateway.elsewhere["b"] = gateway.files["a"];
  gateway.deferred = true;
  serve(ReadSession{});
  client->to_send = client_frame(opcode::text, read_request(1, "b", 0, 1)) +
                    client_frame(opcode::text, R"({"id":1,"op":"cancel"})") +
                    client_frame(opcode::text, read_request(2, "b", 0, 1));
  client->wake();
  loop.run();
  server.abort_all();
  run();
  EXPECT_FALSE(next());
  EXPECT_EQ(gateway.in_flight, 0);
}

TEST_F(FileReads, WhatIsNoRequestEndsTheConnection) {
  serve(ReadSession{});
  send_text("[1,2");
  EXPECT_EQ(next_json()["status"], 400);
  expect_close(1008);
}

TEST_F(FileReads, RequestsBeyondSixteenAreRefusedAndCancelFreesThem) {
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

TEST_F(FileReads, MessagesShrinkForASlowClient) {
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

TEST_F(FileReads, APingIsAnsweredBetweenTheMessagesOfARead) {
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

}  // namespace
}  // namespace chisme::web
