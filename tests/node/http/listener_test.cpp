#include "node/http/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/storage/posix.hpp"
#include "tests/node/http/client.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"

namespace chisme::node {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}
std::string put_head(std::string const& name, std::size_t length, std::string const& more = "") {
  return "PUT /files/" + name +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n" +
         more + "\r\n";
}
std::string stored_bytes(web::MemoryGateway& gateway, std::string const& name) {
  auto const file = gateway.files.find(name);
  return file == gateway.files.end() ? "(no such file)" : gateway.objects.at(file->second.digest);
}

// What clients see is the same whether they talk plainly or by TLS.
class HttpServer : public testing::TestWithParam<Over> {
 protected:
  HttpServer() { over_of_test() = GetParam(); }
  ~HttpServer() override { over_of_test() = Over::plain; }
};
INSTANTIATE_TEST_SUITE_P(HttpListener, HttpServer, testing::Values(Over::plain, Over::tls),
                         [](auto const& it) { return it.param == Over::tls ? "Tls" : "Plain"; });

TEST_P(HttpServer, AnswersManyRequestsOnOneConnection) {
  web::MemoryGateway gateway;
  gateway.add("a", "hello", "text/plain");
  Server server(gateway);
  Client client(server.endpoint());
  for (int i = 0; i < 3; ++i) {
    auto const answer = client.get("/files/a");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
    EXPECT_THAT(answer->headers.at("date"), HasSubstr(" GMT"));
  }
  EXPECT_EQ(client.get("/files/b")->status, 404);
  EXPECT_EQ(client.get("/files/a")->status, 200);
  server.stop();
  EXPECT_EQ(gateway.in_flight, 0);
  EXPECT_EQ(gateway.delivered_bytes.value(), 20u);
}

TEST_P(HttpServer, AnswersPipelinedRequestsInOrder) {
  web::MemoryGateway gateway;
  gateway.add("a", "first", "text/plain");
  gateway.add("b", "second", "text/plain");
  Server server(gateway);
  Client client(server.endpoint());
  client.send(
      "GET /files/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "HEAD /files/a HTTP/1.1\r\nHost: localhost\r\n\r\n" +
      put_head("c", 5) +
      "third"
      "GET /files/b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.response()->body, "first");
  auto const head = client.response(/*head=*/true);
  EXPECT_EQ(head->headers.at("content-length"), "5");
  EXPECT_EQ(client.response()->status, 201);
  auto const last = client.response();
  EXPECT_EQ(last->body, "second");
  EXPECT_EQ(last->headers.at("connection"), "close");
  EXPECT_TRUE(client.ended());
  server.stop();
  EXPECT_EQ(stored_bytes(gateway, "c"), "third");
}

TEST_P(HttpServer, UnderstandsARequestThatComesByteByByte) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  for (char const byte : put_head("a", 3) + "abc") client.send({&byte, 1});
  EXPECT_EQ(client.response()->status, 201);
  server.stop();
  EXPECT_EQ(stored_bytes(gateway, "a"), "abc");
}

TEST_P(HttpServer, SendsRangesOfALargeFile) {
  web::MemoryGateway gateway;
  auto const bytes = pattern(32 << 20);
  gateway.add("film", bytes, "video/mp4");
  Server server(gateway);
  Client client(server.endpoint());
  auto const whole = client.get("/files/film");
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->body == bytes);
  auto const part = client.get("/files/film", "Range: bytes=1000001-30000000\r\n");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->status, 206);
  EXPECT_TRUE(part->body == bytes.substr(1000001, 29000000));
  EXPECT_EQ(client.get("/files/film", "Range: bytes=99999999-\r\n")->status, 416);
}

TEST_P(HttpServer, RelaysAFileFromOtherHolders) {
  web::MemoryGateway gateway;
  auto const bytes = pattern(3 << 20);
  gateway.add("film", bytes, "video/mp4").local = false;
  Server server(gateway);
  Client client(server.endpoint());
  auto const answer = client.get("/files/film?via=proxy");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(answer->body == bytes);
}

TEST_P(HttpServer, ACopyThatJustWentIsRelayedFromOtherHolders) {
  web::MemoryGateway gateway;
  gateway.add("film", "0123456789", "video/mp4");
  gateway.copies_gone = true;
  Server server(gateway);
  Client client(server.endpoint());
  auto const whole = client.get("/files/film");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->status, 200);
  EXPECT_EQ(whole->body, "0123456789");
  auto const part = client.get("/files/film", "Range: bytes=2-4\r\n");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->status, 206);
  EXPECT_EQ(part->body, "234");
}

TEST_P(HttpServer, ARelayWithoutASourceIsAnErrorAndOneThatBreaksEndsEarly) {
  web::MemoryGateway gateway;
  auto& gone = gateway.add("gone", "12345", "text/plain");
  gone.local = false;
  auto& shorter = gateway.add("shorter", "123", "text/plain");
  shorter.local = false;
  shorter.size = ByteCount{5};
  gateway.objects.erase(gone.digest);
  Server server(gateway);
  Client client(server.endpoint());
  EXPECT_GE(client.get("/files/gone?via=proxy")->status, 500);
  Client other(server.endpoint());
  EXPECT_FALSE(other.get("/files/shorter?via=proxy"));
}

TEST_P(HttpServer, StoresAPutThatComesInChunks) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(
      "PUT /files/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(client.response()->status, 201);
  EXPECT_EQ(client.get("/files/a")->body, "hello world");
}

TEST_P(HttpServer, AsksForABodyThatWaitsForA100) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(put_head("a", 2, "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.response()->status, 100);
  client.send("ok");
  EXPECT_EQ(client.response()->status, 201);
}

TEST_P(HttpServer, RefusesABodyThatWaitsForA100WithoutAskingForIt) {
  web::MemoryGateway gateway;
  gateway.quorum = false;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(put_head("a", 2, "Expect: 100-continue\r\n"));
  auto const answer = client.response();
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->headers.at("connection"), "close");
}

TEST_P(HttpServer, ReadsAnUploadNoFasterThanItIsWritten) {
  web::MemoryGateway gateway;
  gateway.deferred = true;
  Server server(gateway);
  Client client(server.endpoint());
  auto const bytes = pattern(64 << 20);
  client.send(put_head("a", bytes.size()));
  std::size_t sent = 0;
  server.on_loop([&](HttpListener&) { gateway.run_later(); });  // the upload begins
  for (int i = 0; i < 100'000; ++i) sent += client.send_some(std::string_view(bytes).substr(sent));
  EXPECT_LT(sent, bytes.size() / 2);  // the kernel's buffers are full
  while (sent < bytes.size()) {
    server.on_loop([&](HttpListener&) { gateway.run_later(); });
    sent += client.send_some(std::string_view(bytes).substr(sent));
  }
  server.wait_until([&](HttpListener&) {
    gateway.run_later();
    return gateway.files.contains("a");
  });
  EXPECT_EQ(client.response()->status, 201);
  server.stop();
  EXPECT_TRUE(stored_bytes(gateway, "a") == bytes);
}

TEST_P(HttpServer, APutThatBreaksOffIsAborted) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(put_head("a", 100) + "only this");
  server.wait_until([&](HttpListener&) { return !gateway.uploads_begun.empty(); });
  client.reset();
  server.wait_until([&](HttpListener&) { return gateway.uploads_aborted == 1; });
  server.wait_until([&](HttpListener& listener) { return listener.open_connections() == 0; });
  server.stop();
  EXPECT_TRUE(gateway.files.empty());
}

TEST_P(HttpServer, ARefusedUploadIsAnsweredWhileItsBodyStillComes) {
  web::MemoryGateway gateway;
  gateway.free_bytes = 1000;
  Server server(gateway);
  Client client(server.endpoint());
  std::string const megabyte(1 << 20, 'x');
  client.send("PUT /files/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  bool taken = true;
  for (int i = 0; i < 16 && taken; ++i) taken = client.send("100000\r\n" + megabyte + "\r\n");
  auto const answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 507);
  server.stop();
  EXPECT_EQ(gateway.uploads_aborted, 1);
}

TEST_P(HttpServer, AnUploadOfUnknownOutcomeIsNotAnswered) {
  web::MemoryGateway gateway;
  gateway.unknown_outcome = true;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(put_head("a", 2) + "ok");
  EXPECT_TRUE(client.ended());
}

std::string form_head(std::size_t length) {
  return "POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
         "boundary=XX\r\nContent-Length: " +
         std::to_string(length) + "\r\n\r\n";
}
std::string form_part(std::string const& filename, std::string const& bytes) {
  return "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
         "\"\r\n\r\n" + bytes + "\r\n";
}

TEST_P(HttpServer, StoresEachFileOfAForm) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  auto const large = pattern(2 << 20);
  auto const form = form_part("a.txt", "hello") +
                    "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nignored\r\n" +
                    form_part("", "") + form_part("b.bin", large) + "--XX--\r\n";
  client.send(form_head(form.size()) + form);
  auto const answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_LT(answer->status, 300) << answer->body;
  EXPECT_THAT(answer->body, HasSubstr("a.txt"));
  EXPECT_EQ(client.get("/files/a.txt")->body, "hello");
  server.stop();
  EXPECT_TRUE(stored_bytes(gateway, "b.bin") == large);
  EXPECT_EQ(gateway.files.size(), 2u);
}

TEST_P(HttpServer, AFormThatEndsWithinAFileStoresNothingOfIt) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  auto const form = form_part("a.txt", "hello");
  client.send(form_head(form.size()) + form);
  EXPECT_EQ(client.response()->status, 400);
  server.wait_until([&](HttpListener&) { return gateway.uploads_aborted == 1; });
  server.stop();
  EXPECT_TRUE(gateway.files.empty());
}

TEST_P(HttpServer, AFormWithABadNameOrBrokenOffStoresNothing) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  auto const form = form_part("..", "hello") + "--XX--\r\n";
  client.send(form_head(form.size()) + form);
  EXPECT_EQ(client.response()->status, 400);
  Client other(server.endpoint());
  other.send(form_head(1000) + form_part("a", "hello").substr(0, 80));
  server.wait_until([&](HttpListener&) { return gateway.uploads_begun.size() == 1; });
  other.reset();
  server.wait_until([&](HttpListener&) { return gateway.uploads_aborted == 1; });
  server.stop();
  EXPECT_TRUE(gateway.files.empty());
}

TEST_P(HttpServer, DeletesAFile) {
  web::MemoryGateway gateway;
  gateway.add("a", "1", "text/plain");
  Server server(gateway);
  Client client(server.endpoint());
  client.send("DELETE /files/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto const answer = client.response();
  EXPECT_EQ(answer->status, 204);
  EXPECT_FALSE(answer->headers.contains("content-length"));
  EXPECT_EQ(client.get("/files/a")->status, 404);
}

TEST_P(HttpServer, AsksTheOtherNodesForANameThatIsAbsentHere) {
  web::MemoryGateway gateway;
  gateway.deferred = true;
  gateway.in_touch = false;
  auto file = gateway.add("a", "12345", "text/plain");
  gateway.files.clear();
  gateway.elsewhere["a"] = file;
  Server server(gateway);
  Client client(server.endpoint());
  client.send("GET /files/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  server.wait_until([&](HttpListener&) {
    gateway.run_later();
    return gateway.delivered_bytes.value() > 0;
  });
  EXPECT_EQ(client.response()->body, "12345");
}

TEST_P(HttpServer, AnswersWhatIsNoRequestAndCloses) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client client(server.endpoint());
  client.send("NONSENSE\r\n\r\n");
  auto const answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_TRUE(client.ended());
}

TEST_P(HttpServer, DropsAnUnwantedSmallBodyAndGoesOn) {
  web::MemoryGateway gateway;
  gateway.quorum = false;
  Server server(gateway);
  Client client(server.endpoint());
  client.send(put_head("a", 5) + "hello");
  EXPECT_EQ(client.response()->status, 503);
  EXPECT_EQ(client.get("/files/a")->status, 404);
}

TEST_P(HttpServer, ClosesConnectionsThatAskForNothing) {
  web::MemoryGateway gateway;
  HttpSettings settings;
  settings.idle_timeout = 100ms;
  settings.head_timeout = 100ms;
  Server server(gateway, settings);
  Client idle(server.endpoint());
  Client half(server.endpoint());
  half.send("GET / HT");
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(half.ended());
}

TEST_P(HttpServer, ClosesConnectionsThatMakeNoProgress) {
  web::MemoryGateway gateway;
  gateway.add("film", pattern(32 << 20), "video/mp4");
  HttpSettings settings;
  settings.progress_timeout = 100ms;
  Server server(gateway, settings);
  Client stuck(server.endpoint());
  stuck.send("GET /files/film HTTP/1.1\r\nHost: localhost\r\n\r\n");  // and reads nothing
  Client starved(server.endpoint());
  starved.send(put_head("a", 10) + "12345");
  EXPECT_TRUE(starved.ended());
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 0; });
  server.stop();
  EXPECT_EQ(gateway.uploads_aborted, 1);
  EXPECT_EQ(gateway.in_flight, 0);
}

TEST(HttpListener, TellsAConnectionTooManyThatThereIsNoRoom) {
  web::MemoryGateway gateway;
  gateway.add("a", "1", "text/plain");
  HttpSettings settings;
  settings.clients = std::make_shared<Clients>(Clients::Limits{.connections_max = 2});
  Server server(gateway, settings);
  Client one(server.endpoint());
  Client two(server.endpoint());
  EXPECT_EQ(one.get("/files/a")->status, 200);
  EXPECT_EQ(two.get("/files/a")->status, 200);
  Client three(server.endpoint());
  auto const refused = three.get("/files/a");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_TRUE(three.ended());
  one.close();
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 1; });
  Client four(server.endpoint());
  EXPECT_EQ(four.get("/files/a")->status, 200);
}

TEST(HttpListener, TellsAConnectionThatThereAreTooFewDescriptorsLeft) {
  web::MemoryGateway gateway;
  gateway.add("a", "1", "text/plain");
  Descriptor lowest = *open_directory("/");
  HttpSettings settings;
  // Below it: what the server has open already, a connection, and both ends are in this process.
  settings.descriptors = lowest.number() + 12;
  lowest.close();
  Server server(gateway, settings);
  std::vector<std::unique_ptr<Client>> clients;
  int status = 200;
  while (status == 200 && clients.size() < 12) {
    clients.push_back(std::make_unique<Client>(server.endpoint()));
    auto const answer = clients.back()->get("/files/a");
    ASSERT_TRUE(answer);
    status = answer->status;
  }
  EXPECT_EQ(status, 503);
  EXPECT_GT(clients.size(), 1u);
  clients.erase(clients.begin());
  server.wait_until(
      [&](HttpListener& listener) { return listener.open_connections() == clients.size() - 1; });
  Client another(server.endpoint());
  EXPECT_EQ(another.get("/files/a")->status, 200);
}

TEST_P(HttpServer, DrainingClosesIdleConnectionsAndLetsRequestsFinish) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client idle(server.endpoint());
  EXPECT_EQ(idle.get("/files/a")->status, 404);
  Client busy(server.endpoint());
  busy.send(put_head("a", 10) + "12345");
  server.wait_until([&](HttpListener&) { return !gateway.uploads_begun.empty(); });
  server.on_loop([](HttpListener& listener) { listener.drain(); });
  EXPECT_TRUE(idle.ended());
  busy.send("67890");
  auto const answer = busy.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->headers.at("connection"), "close");
}

TEST_P(HttpServer, StoppingEndsEverythingAtOnce) {
  web::MemoryGateway gateway;
  Server server(gateway);
  Client busy(server.endpoint());
  busy.send(put_head("a", 10) + "12345");
  server.wait_until([&](HttpListener&) { return !gateway.uploads_begun.empty(); });
  server.stop();
  EXPECT_TRUE(busy.ended());
  EXPECT_EQ(gateway.uploads_aborted, 1);
}

TEST(HttpListener, SaysThatAnAddressIsTaken) {
  web::MemoryGateway gateway;
  int const taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  asio::io_context loop;
  HttpListener listener(loop, gateway, {});
  auto const listening =
      listener.listen(*parse_endpoint("127.0.0.1:" + std::to_string(ntohs(address.sin_port))));
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("listening on 127.0.0.1:"));
  ::close(taken);
}

}  // namespace
}  // namespace chisme::node
