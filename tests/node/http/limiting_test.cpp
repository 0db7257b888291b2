#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "node/http/buffers.hpp"
#include "node/http/moved_bytes.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_credentials.hpp"
#include "tests/web/memory_gateway.hpp"

namespace chisme::node {
namespace {

using namespace std::chrono_literals;

HttpSettings settings_with(Clients::Limits limits) {
  HttpSettings settings;
  settings.clients = std::make_shared<Clients>(std::move(limits));
  return settings;
}

std::string put_of(std::string const& name, std::size_t size, std::string const& body) {
  return "PUT /files/" + name +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
         body;
}

TEST(Limiting, AnAddressWithTooManyConnectionsIsToldSo) {
  web::MemoryGateway gateway;
  Server server(gateway, settings_with({.per_address_max = 2, .loopback = true}));
  Client one(server.endpoint());
  Client two(server.endpoint());
  EXPECT_EQ(one.get("/healthz")->status, 200);
  EXPECT_EQ(two.get("/healthz")->status, 200);
  Client three(server.endpoint());
  auto const refused = three.get("/healthz");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_TRUE(refused->headers.contains("retry-after"));
  EXPECT_TRUE(refused->body.ends_with("}")) << refused->body;
  EXPECT_TRUE(three.ended());
  one.close();
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 1; });
  Client four(server.endpoint());
  EXPECT_EQ(four.get("/healthz")->status, 200);
}

TEST(Limiting, RequestsBeyondTheRateAreToldWhenToComeAgainOnTheSameConnection) {
  web::MemoryGateway gateway;
  Server server(gateway, settings_with({.requests_per_second = 5, .loopback = true}));
  Client client(server.endpoint());
  int served = 0;
  auto answer = client.get("/healthz");
  while (answer && answer->status == 200 && served < 1000) {
    ++served;
    answer = client.get("/healthz");
  }
  EXPECT_GE(served, 10);
  EXPECT_LT(served, 30);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->headers.at("retry-after"), "1");
  // Another connection does not help, and waiting does.
  Client other(server.endpoint());
  EXPECT_EQ(other.get("/healthz")->status, 429);
  while (client.get("/healthz")->status == 429) std::this_thread::sleep_for(20ms);
  // What was refused was not done.
  while (client.get("/healthz")->status == 200) continue;
  client.send(put_of("a", 2, "ok"));
  EXPECT_EQ(client.response()->status, 429);
  server.stop();
  EXPECT_TRUE(gateway.uploads_begun.empty());
}

TEST(Limiting, AProxysClientsHaveABudgetEachIfItIsTrusted) {
  web::MemoryGateway gateway;
  Endpoint proxy;
  proxy.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  Clients::Limits const limits{.requests_per_second = 1, .loopback = true};
  auto trusting = limits;
  trusting.trusted_proxies = {proxy};
  auto const from = [](std::string const& address) {
    return "X-Forwarded-For: 203.0.113.77, " + address + "\r\n";
  };
  {
    Server server(gateway, settings_with(trusting));
    Client client(server.endpoint());
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(client.get("/healthz", from("198.51.100.1"))->status, 200);
    EXPECT_EQ(client.get("/healthz", from("198.51.100.1"))->status, 429);
    EXPECT_EQ(client.get("/healthz", from("198.51.100.2"))->status, 200);
    EXPECT_EQ(client.get("/healthz", from("198.51.100.1"))->status, 429);
  }
  Server server(gateway, settings_with(limits));
  Client client(server.endpoint());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.get("/healthz", from("198.51.100.1"))->status, 200);
  EXPECT_EQ(client.get("/healthz", from("198.51.100.2"))->status, 429) << "anybody can write that";
}

TEST(Limiting, AValidTokenHasABudgetOfItsOwn) {
  web::MemoryGateway gateway;
  web::MemoryCredentials credentials;
  credentials.add_token("t1", web::Role::read);
  credentials.add_token("t2", web::Role::read);
  gateway.judge = &credentials;
  Server server(gateway, settings_with({.requests_per_second = 1, .loopback = true}));
  auto const with = [](std::string const& token) {
    return "Authorization: Bearer " + token + "\r\n";
  };
  Client client(server.endpoint());
  Client elsewhere(server.endpoint());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.get("/healthz", with("t1"))->status, 200);
  EXPECT_EQ(client.get("/healthz", with("t1"))->status, 429);
  EXPECT_EQ(elsewhere.get("/healthz", with("t1"))->status, 429);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.get("/healthz", with("t2"))->status, 200);
  // The address has its own, and who shows nonsense pays with it.
  EXPECT_EQ(client.get("/healthz", with("t1"))->status, 429);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(client.get("/healthz", with("none" + std::to_string(i)))->status, 200);
  EXPECT_EQ(client.get("/healthz", with("none3"))->status, 429);
  EXPECT_EQ(client.get("/healthz")->status, 429);
}

TEST(Limiting, TheLastConnectionsServeWhatTellsHowTheNodeDoes) {
  web::MemoryGateway gateway;
  gateway.add("a", "1", "text/plain");
  Server server(gateway, settings_with({.connections_max = 8}));
  std::vector<std::unique_ptr<Client>> early;
  for (int i = 0; i < 7; ++i) {
    early.push_back(std::make_unique<Client>(server.endpoint()));
    EXPECT_EQ(early.back()->get("/files/a")->status, 200);
  }
  Client late(server.endpoint());
  for (char const* const path : {"/healthz", "/readyz", "/metrics", "/cluster?x"}) {
    EXPECT_EQ(late.get(path)->status, 200) << path;
  }
  auto const shed = late.get("/files/a");
  ASSERT_TRUE(shed);
  EXPECT_EQ(shed->status, 503);
  EXPECT_TRUE(shed->headers.contains("retry-after"));
  EXPECT_TRUE(late.ended());
  EXPECT_EQ(early.front()->get("/files/a")->status, 200) << "who was there before goes on";
}

TEST(Limiting, WithoutMemoryForBodiesNoneBeginsAndTheRestGoesOn) {
  web::MemoryGateway gateway;
  gateway.add("film", "film", "video/mp4");
  auto settings = settings_with({});
  settings.buffer_bytes_max = large_buffer_bytes;
  Server server(gateway, settings);
  Client first(server.endpoint());
  std::string const half(1 << 20, 'x');
  first.send(put_of("a", 2 * half.size(), half));
  int status = 201;
  for (int i = 0; i < 1000 && status != 503; ++i) {  // until the first has its buffer
    Client second(server.endpoint());
    EXPECT_EQ(second.get("/files/film")->body, "film");
    second.send(put_of("b", 2, "ok"));
    status = second.response()->status;
    EXPECT_TRUE(status == 201 || status == 200 || second.ended());
  }
  EXPECT_EQ(status, 503);
  first.send(half);
  EXPECT_EQ(first.response()->status, 201);
  Client third(server.endpoint());
  third.send(put_of("c", 2, "ok"));
  EXPECT_EQ(third.response()->status, 201);
}

TEST(Limiting, BodiesThatComeSlowlyTakeNoLargeBuffer) {
  web::MemoryGateway gateway;
  auto settings = settings_with({});
  settings.buffer_bytes_max = large_buffer_bytes;
  Server server(gateway, settings);
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(std::make_unique<Client>(server.endpoint()));
    slow.back()->send(put_of("slow" + std::to_string(i), 1000, "x"));
  }
  server.wait_until([&](HttpListener&) { return gateway.uploads_begun.size() == 10; });
  Client honest(server.endpoint());
  honest.send(put_of("b", 2, "ok"));
  EXPECT_EQ(honest.response()->status, 201);
}

// Seconds until the server ends the connection, which is fed a byte every 20 ms.
double seconds_until_cut_off(Client& client) {
  auto const begun = std::chrono::steady_clock::now();
  auto const until = begun + 10s;
  while (std::chrono::steady_clock::now() < until && client.send("x")) {
    std::this_thread::sleep_for(20ms);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

TEST(Limiting, ABodyThatDripsIsEndedAlthoughItAlwaysMakesProgress) {
  web::MemoryGateway gateway;
  auto settings = settings_with({});
  settings.pace = {ByteCount{1000}, 1s};
  Server server(gateway, settings);
  Client dripping(server.endpoint());
  dripping.send(put_of("a", 100'000, ""));
  EXPECT_LT(seconds_until_cut_off(dripping), 5);
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 0; });
  server.stop();
  EXPECT_EQ(gateway.uploads_aborted, 1);
}

TEST(Limiting, ABodyThatIsFastEnoughIsNot) {
  web::MemoryGateway gateway;
  auto settings = settings_with({});
  settings.pace = {ByteCount{1000}, 500ms};
  Server server(gateway, settings);
  Client steady(server.endpoint());
  steady.send(put_of("a", 150'000, ""));
  for (int i = 0; i < 150; ++i) {  // 25 times as much as it has to be, for pauses of a busy machine
    EXPECT_TRUE(steady.send(std::string(1000, 'x')));
    std::this_thread::sleep_for(20ms);
  }
  auto const answer = steady.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
}

TEST(Limiting, AnAnswerThatIsReadByDropsIsEnded) {
  web::MemoryGateway gateway;
  gateway.add("film", std::string(64 << 20, 'f'), "video/mp4");
  auto settings = settings_with({});
  settings.pace = {ByteCount{2'000'000}, 1s};
  Server server(gateway, settings);
  Client slow(server.endpoint());
  slow.send("GET /files/film HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bool is_ended = false;
  for (int i = 0; i < 100 && !is_ended; ++i) {
    slow.fill(slow.received.size() + 1);
    slow.received.clear();
    std::this_thread::sleep_for(200ms);
    server.on_loop([&](HttpListener& listener) { is_ended = listener.open_connections() == 0; });
  }
  EXPECT_TRUE(is_ended);
}

TEST(Limiting, AHeadLongerThanItsLimitIs431) {
  web::MemoryGateway gateway;
  HttpSettings settings;
  settings.head.headers_bytes_max = 2000;
  Server server(gateway, settings);
  Client client(server.endpoint());
  EXPECT_EQ(client.get("/healthz", "X: " + std::string(1000, 'x') + "\r\n")->status, 200);
  EXPECT_EQ(client.get("/healthz", "X: " + std::string(3000, 'x') + "\r\n")->status, 431);
}

TEST(MovedBytes, AreThoseOfASocketOnly) {
  EXPECT_EQ(moved_bytes(-1, Moving::in), std::nullopt);
  EXPECT_EQ(moved_bytes(0, Moving::nowhere), std::nullopt);
}

}  // namespace
}  // namespace chisme::node
