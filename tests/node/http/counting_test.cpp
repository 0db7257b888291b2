#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "node/http/request_id.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"

namespace chisme::node {
namespace {

using web::Method;
using web::RouteClass;

struct Counting : testing::Test {
  Counting() {
    gateway.add("film.mp4", "hello, world", "video/mp4");
    gateway.add("far.mp4", "from elsewhere", "video/mp4").local = false;
    gateway.holders = {{NodeId{0, 2}, "http://127.0.0.1:7702", 1, false}};
    settings.counters = counters;
  }
  std::uint64_t answers(RouteClass route, Method method, std::size_t status_class) const {
    return counters
        ->answers[static_cast<std::size_t>(route)][static_cast<std::size_t>(method)][status_class]
        .value();
  }
  std::uint64_t first_bytes(RouteClass route, std::size_t kind) const {
    std::uint64_t all = 0;
    auto const& of_route = counters->first_bytes[static_cast<std::size_t>(route)];
    for (auto const& bucket : of_route[kind].requests) all += bucket.value();
    return all;
  }
  web::MemoryGateway gateway;
  std::shared_ptr<ClientCounters> counters = std::make_shared<ClientCounters>();
  HttpSettings settings;
};

TEST_F(Counting, EachAnswerIsCountedByRouteMethodAndStatusOnce) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  EXPECT_EQ(client.get("/files/film.mp4")->status, 200);
  EXPECT_EQ(client.get("/files/film.mp4", "Range: bytes=2-3\r\n")->status, 206);
  EXPECT_EQ(client.get("/files/far.mp4")->status, 307);
  EXPECT_EQ(client.get("/files/none")->status, 404);
  EXPECT_EQ(client.get("/files")->status, 200);
  client.send("PUT /files/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(client.response()->status, 201);
  EXPECT_EQ(answers(RouteClass::file, Method::get, 2), 2u);
  EXPECT_EQ(answers(RouteClass::file, Method::get, 3), 1u);
  EXPECT_EQ(answers(RouteClass::file, Method::get, 4), 1u);
  EXPECT_EQ(answers(RouteClass::list, Method::get, 2), 1u);
  EXPECT_EQ(answers(RouteClass::file, Method::put, 2), 1u);
  EXPECT_EQ(first_bytes(RouteClass::file, 0), 4u);
  EXPECT_EQ(first_bytes(RouteClass::file, 1), 1u);
  EXPECT_EQ(counters->connections.value(), 1u);
}

TEST_F(Counting, WhoIsLeftWithoutAnAnswerIsCountedAsThat) {
  gateway.unknown_outcome = true;
  Server server(gateway, settings);
  Client client(server.endpoint());
  client.send("PUT /files/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_FALSE(client.response());
  server.stop();
  EXPECT_EQ(answers(RouteClass::file, Method::put, 0), 1u);
  EXPECT_EQ(first_bytes(RouteClass::file, 1), 0u);
}

TEST_F(Counting, BytesThatAreNoRequestAndUpgradesAreCountedToo) {
  Server server(gateway, settings);
  Client rubbish(server.endpoint());
  rubbish.send("rubbish\r\n\r\n");
  EXPECT_EQ(rubbish.response()->status, 400);
  EXPECT_EQ(answers(RouteClass::page, Method::other, 4), 1u);
  Client socket(server.endpoint());
  socket.send(
      "GET /ws/read HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(socket.response()->status, 101);
  EXPECT_EQ(answers(RouteClass::socket, Method::get, 1), 1u);
}

TEST_F(Counting, WhoIsTurnedAwayIsCountedByTheReason) {
  settings.clients = std::make_shared<Clients>(
      Clients::Limits{.per_address_max = 1, .requests_per_second = 1, .loopback = true});
  Server server(gateway, settings);
  Client client(server.endpoint());
  while (client.get("/healthz")->status != 429) continue;
  Client second(server.endpoint());
  EXPECT_EQ(second.response()->status, 429);
  EXPECT_EQ(counters->refused[static_cast<std::size_t>(Refused::rate)].value(), 1u);
  EXPECT_EQ(counters->refused[static_cast<std::size_t>(Refused::connections_of_address)].value(),
            1u);
}

TEST_F(Counting, ARequestKeepsTheNameThatItsClientGaveIt) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  auto const answer = client.get("/files/film.mp4", "X-Request-Id: job-7.a:B_2\r\n");
  EXPECT_EQ(answer->headers.at("x-request-id"), "job-7.a:B_2");
}

TEST_F(Counting, WithoutAGoodNameItIsGivenOneOfItsOwn) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  std::set<std::string> ids;
  for (std::string const& header :
       {std::string{}, std::string{"X-Request-Id: \r\n"}, std::string{"X-Request-Id: a b\r\n"},
        std::string{"X-Request-Id: a\"b\r\n"}, std::string{"X-Request-Id: <script>\r\n"},
        "X-Request-Id: " + std::string(65, 'a') + "\r\n"}) {
    auto const id = client.get("/healthz", header)->headers.at("x-request-id");
    EXPECT_EQ(id.size(), 16u) << header;
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 6u) << "each its own";
}

TEST_F(Counting, AProblemTellsTheName) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  auto const answer = client.get("/files/none", "X-Request-Id: job-7\r\n");
  EXPECT_EQ(answer->status, 404);
  auto const problem = nlohmann::json::parse(answer->body, nullptr, false);
  ASSERT_TRUE(problem.is_object()) << answer->body;
  EXPECT_EQ(problem["request_id"], "job-7");
  EXPECT_EQ(problem["status"], 404);
}

TEST_F(Counting, WhereAClientIsSentToItsRequestHasTheNameThatItGaveIt) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  auto const sent = client.get("/files/far.mp4", "X-Request-Id: job-7\r\n");
  std::string const location = sent->headers.at("location");
  EXPECT_TRUE(location.ends_with("&request_id=job-7")) << location;
  std::string const target = location.substr(location.find("/files"));
  EXPECT_EQ(client.get(target)->headers.at("x-request-id"), "job-7");
  EXPECT_EQ(client.get(target, "X-Request-Id: other\r\n")->headers.at("x-request-id"), "other");
  EXPECT_NE(client.get("/healthz?a=1&request_id=a%20b")->headers.at("x-request-id"), "a%20b");
}

TEST_F(Counting, ANameThatWasMadeMakesNoNewAddresses) {
  Server server(gateway, settings);
  Client client(server.endpoint());
  EXPECT_EQ(client.get("/files/far.mp4")->headers.at("location"),
            client.get("/files/far.mp4")->headers.at("location"));
}

}  // namespace
}  // namespace chisme::node
