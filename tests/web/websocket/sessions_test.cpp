#include "tests/web/websocket/sessions.hpp"

#include "tests/web/memory_credentials.hpp"

namespace chisme::web {
namespace {

UploadSession upload_of(std::string name) {
  UploadRequest request;
  request.name = std::move(name);
  return {std::move(request)};
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

TEST_F(Sessions, AnUploadThatDripsIsGivenUpAndOneThatPausesIsNot) {
  serve(upload_of("drips"));
  for (int i = 0; i < 14; ++i) {
    send(client_frame(opcode::binary, "drop"));
    loop.advance(20s);
    EXPECT_EQ(gateway.uploads_aborted, 0) << i;
  }
  send(client_frame(opcode::binary, pattern(20'000)));
  for (int i = 0; i < 16; ++i) {
    send(client_frame(opcode::binary, "drop"));
    loop.advance(20s);
  }
  EXPECT_EQ(gateway.uploads_aborted, 1);
  EXPECT_TRUE(gateway.files.empty());
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
  gateway.emit({"lost", R"({"sha256":"00"})", WallTime{1234ms}});
  run();
  EXPECT_EQ(next_json(), (Json{{"type", "lost"}, {"at", 1234}, {"sha256", "00"}}));
  loop.advance(3s);
  EXPECT_FALSE(next());  // nothing changed
  gateway.in_touch = false;
  loop.advance(600ms);
  EXPECT_EQ(next_json()["cluster"]["in_touch"], false);
  loop.advance(3s);
  EXPECT_FALSE(next());
}

TEST_F(Sessions, TheClusterIsToldOfWithoutItsFilesToo) {
  gateway.add("a", "1", "text/plain");
  serve(ClusterSession{.with_files = false});
  auto const status = next_json();
  EXPECT_EQ(status["type"], "cluster");
  EXPECT_TRUE(status["cluster"].contains("members"));
  gateway.emit({"file", R"({"name":"a","removed":true})"});
  gateway.emit({"redirect", R"({"file":"a"})"});
  run();
  EXPECT_EQ(next_json()["type"], "redirect");
  EXPECT_FALSE(next());
}

TEST_F(Sessions, AFewBytesLessRoomAreNoNews) {
  gateway.room = 1'000'000'000;
  serve(ClusterSession{});
  std::uint64_t const told = next_json()["cluster"]["room"];
  EXPECT_LE(told, gateway.room);
  EXPECT_GE(told, gateway.room - gateway.room / 32);
  gateway.room = told + 1;
  loop.advance(3s);
  EXPECT_FALSE(next());
  gateway.room = told / 2;
  loop.advance(600ms);
  EXPECT_LE(next_json()["cluster"]["room"], told / 2);
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

TEST_F(Sessions, ThePageGetsTheStateAnewWhenTheNodeCouldNotBringEveryEvent) {
  serve(ClusterSession{});
  next();
  gateway.add("new", "1", "text/plain");
  gateway.emit({std::string{missed_events}, "{}"});
  run();
  auto const state = next_json();
  EXPECT_EQ(state["type"], "state");
  EXPECT_EQ(state["files"][0]["name"], "new");
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

TEST_F(Sessions, AClientThatTalksButDoesNotReadIsCutOffAfterFiveMinutes) {
  serve(ClusterSession{});
  client->reads = false;
  loop.advance(20s);  // a ping is on its way
  for (int i = 0; i < 14; ++i) {
    EXPECT_EQ(closed, 0) << i;
    send(client_frame(opcode::pong, ""));
    loop.advance(20s);
  }
  loop.advance(20s);
  EXPECT_EQ(closed, 1);
}

TEST_F(Sessions, AClientThatReadsSlowlyIsKeptAlthoughPingsDoNotReachIt) {
  serve(ClusterSession{});
  client->reads = false;  // not all of what it is sent
  for (int i = 0; i < 60; ++i) {
    client->taken += 10'000;
    loop.advance(20s);
  }
  EXPECT_EQ(closed, 0);
  loop.advance(320s);
  EXPECT_EQ(closed, 1);
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

TEST_F(Sessions, ATextWhoseLastFragmentEndsWithinACharacterIs1007) {
  serve(ReadSession{});
  std::string first = client_frame(opcode::text, "{");
  std::string last = client_frame(opcode::text, "}\xc3");
  first[0] = '\x01';
  last[0] = '\x80';
  send(first + last);
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

TEST_F(Sessions, OfTheOfferedSubprotocolsItsOwnIsSelectedAndNeverTheToken) {
  std::string const head = serve_to(
      {ReadSession{}}, {{"Sec-WebSocket-Protocol", "other, chisme, chisme.bearer.secret"}});
  EXPECT_THAT(head, testing::HasSubstr("Sec-WebSocket-Protocol: chisme\r\n"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr("secret")));
}

TEST_F(Sessions, WithoutTheOfferNoneIsSelected) {
  std::vector<std::vector<Header>> const offers{{}, {{"Sec-WebSocket-Protocol", "other"}}};
  for (std::vector<Header> const& headers : offers) {
    EXPECT_THAT(serve_to({ReadSession{}}, headers),
                testing::Not(testing::HasSubstr("Sec-WebSocket-Protocol")));
    client = std::make_shared<ClientEnd>();
  }
}

TEST_F(Sessions, OneEndsSoonAfterItsTokenIsNoLongerValid) {
  MemoryCredentials credentials;
  gateway.judge = &credentials;
  serve_to({ReadSession{}, CredentialId{7, MemoryCredentials::end}}, {});
  loop.advance(5s);
  EXPECT_EQ(client->received, "");
  credentials.over.insert(7);
  loop.advance(WebSocketServer::look_period);
  expect_close(1008);
}

TEST_F(Sessions, OneThatIsGoneIsNotLookedAt) {
  MemoryCredentials credentials;
  gateway.judge = &credentials;
  serve_to({ReadSession{}, CredentialId{7, MemoryCredentials::end}}, {});
  send(client_close(1000));
  EXPECT_EQ(closed, 1);
  credentials.over.insert(7);
  loop.advance(5s);
}

}  // namespace
}  // namespace chisme::web
