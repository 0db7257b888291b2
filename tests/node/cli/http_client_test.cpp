#include "node/cli/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/node/cli/tiny_server.hpp"

namespace chisme::node::cli {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

HttpRequest get(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  return request;
}

HttpRequest put(std::string target, std::string body) {
  HttpRequest request;
  request.method = "PUT";
  request.target = std::move(target);
  request.body_size = ByteCount{body.size()};
  request.open_body = [body]() -> Result<BodySource> {
    return [body, at = std::size_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
      std::size_t const count = std::min(into.size(), body.size() - at);
      std::memcpy(into.data(), body.data() + at, count);
      at += count;
      return count;
    };
  };
  return request;
}

TEST(HttpClient, AnswersArriveWholeAndTheConnectionIsKept) {
  TinyServer server({{answer(200, "first"), answer(200, "second")}});
  HttpClient client({server.origin()});
  EXPECT_EQ(client.send(get("/a?b=c"))->body, "first");
  EXPECT_EQ(client.send(get("/d"))->body, "second");
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_THAT(server.requests()[0], StartsWith("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST(HttpClient, AKeptConnectionThatWasClosedMeanwhileIsReplaced) {
  TinyServer server({{answer(200, "first")}, {answer(200, "second")}});
  HttpClient client({server.origin()});
  EXPECT_EQ(client.send(get("/"))->body, "first");
  auto const second = client.send(get("/"));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->body, "second");
}

TEST(HttpClient, TheTokenGoesToTheNodesThatWereNamedAndNotWhereTheyRedirectTo) {
  TinyServer other({{answer(200, "there")}});
  std::string const away =
      "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + to_string(other.origin()) +
      "/files/a?share=x\r\nContent-Length: 0\r\n\r\n";
  std::string const here =
      "HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
  TinyServer server({{here, away}});
  HttpClient client({server.origin()});
  client.set_token("chisme-token-abc");
  EXPECT_EQ(client.send(get("/a"))->body, "there");
  ASSERT_EQ(server.requests().size(), 2u);
  for (std::string const& request : server.requests()) {
    EXPECT_THAT(request, HasSubstr("Authorization: Bearer chisme-token-abc\r\n"));
  }
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_THAT(other.requests()[0], testing::Not(HasSubstr("chisme-token")));
}

TEST(HttpClient, ABodyIsSentWithItsLength) {
  TinyServer server({{answer(201, "{}")}});
  HttpClient client({server.origin()});
  std::string const body(1'000'000, 'b');
  ASSERT_TRUE(client.send(put("/files/x", body)));
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_THAT(server.requests()[0], HasSubstr("Content-Length: 1000000\r\n"));
  EXPECT_TRUE(server.requests()[0].ends_with(body));
}

TEST(HttpClient, TheNextNodeIsAskedWhenOneCannotBeReached) {
  TinyServer server({{answer(200, "here")}});
  HttpClient client({TinyServer::nobody(), server.origin()});
  auto const answered = client.send(get("/"));
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->origin, server.origin());
}

TEST(HttpClient, AnUploadBeginsAnewAtTheNextNodeWhenOneBreaksOff) {
  TinyServer first({{""}});
  TinyServer second({{answer(201, "{}")}});
  HttpClient client({first.origin(), second.origin()});
  ASSERT_TRUE(client.send(put("/files/x", "all of it")));
  EXPECT_TRUE(second.requests().at(0).ends_with("\r\n\r\nall of it"));
}

TEST(HttpClient, A503SendsToTheNextNodeButIsTheAnswerWhenThereIsNone) {
  TinyServer first({{answer(503, "")}, {answer(503, "")}});
  TinyServer second({{answer(200, "here")}});
  HttpClient two({first.origin(), second.origin()});
  EXPECT_EQ(two.send(get("/"))->body, "here");
  HttpClient one({first.origin()});
  EXPECT_EQ(one.send(get("/"))->head.status, 503u);
}

TEST(HttpClient, A404IsAnAnswerAndNoOtherNodeIsAsked) {
  TinyServer first({{answer(404, R"({"detail":"There is no file x"})")}});
  HttpClient client({first.origin(), TinyServer::nobody()});
  auto const answered = client.send(get("/files/x"));
  ASSERT_TRUE(answered);
  Error const problem = problem_of(*answered);
  EXPECT_EQ(problem.fault, Fault::not_found);
  EXPECT_EQ(problem.message, to_string(first.origin()) + ": There is no file x");
}

TEST(HttpClient, ARedirectIsFollowedWithTheBody) {
  TinyServer second({{answer(201, "there")}});
  TinyServer first(
      {{answer(307, "", "Location: " + to_string(second.origin()) + "/files/y?via=local\r\n")}});
  HttpClient client({first.origin()});
  auto const answered = client.send(put("/files/x", "body"));
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->body, "there");
  EXPECT_THAT(second.requests().at(0), StartsWith("PUT /files/y?via=local HTTP/1.1"));
  EXPECT_TRUE(second.requests().at(0).ends_with("body"));
}

TEST(HttpClient, RedirectsInACircleEnd) {
  TinyServer::Answers const circle(HttpClient::redirects_max + 1,
                                   answer(307, "", "Location: /again\r\n"));
  TinyServer server({circle});
  HttpClient client({server.origin()});
  auto const answered = client.send(get("/"));
  ASSERT_FALSE(answered);
  EXPECT_THAT(answered.error().message, HasSubstr("circle"));
  EXPECT_EQ(server.requests().size(), circle.size());
}

TEST(HttpClient, AnErrorBeforeTheEndOfTheUploadIsTheAnswer) {
  HttpRequest const request = put("/files/x", std::string(50'000'000, 'x'));
  TinyServer server({{answer(413, R"({"detail":"too large"})", "Connection: close\r\n")}},
                    TinyServer::Reads::head_only);
  HttpClient client({server.origin()});
  auto const answered = client.send(request);
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->head.status, 413u);
}

TEST(HttpClient, AnAnswerThatIsCutShortIsNoAnswer) {
  TinyServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}});
  HttpClient client({server.origin()});
  auto const answered = client.send(get("/"));
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().fault, Fault::unavailable);
  EXPECT_THAT(answered.error().message, HasSubstr(to_string(server.origin())));
}

TEST(HttpClient, NobodySpeaksOfTheSameBytesTwiceToASink) {
  TinyServer first({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}});
  TinyServer second({{answer(200, "0123456789")}});
  HttpClient client({first.origin(), second.origin()});
  std::string received;
  auto const answered =
      client.send(get("/"), [&](web::Response const&, std::span<std::byte const> bytes) {
        received.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        return Result<void>{};
      });
  EXPECT_FALSE(answered) << "a second node would repeat what the sink already has";
  EXPECT_EQ(received, "short");
}

TEST(HttpClient, ANodeThatDoesNotAnswerIsGivenUp) {
  TinyServer silent({{"HTTP/1.1 200 OK\r\n", "never asked for"}});
  HttpClient client({silent.origin()}, milliseconds{50});
  auto const answered = client.send(get("/"));
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().fault, Fault::unavailable);
}

TEST(HttpClient, WhatIsNoHttpIsAnErrorNotACrash) {
  TinyServer server({{"SSH-2.0-OpenSSH_9.2\r\n"}});
  HttpClient client({server.origin()});
  EXPECT_EQ(client.send(get("/")).error().fault, Fault::unavailable);
}

TEST(Origin, UrlsOfNodesAreTakenApart) {
  auto const plain = parse_location("http://127.0.0.1:7701");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->origin, (Origin{"127.0.0.1", "7701"}));
  EXPECT_EQ(plain->target, "/");
  auto const six = parse_location("http://[::1]:80/files/a?b#c");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->origin, (Origin{"::1", "80"}));
  EXPECT_EQ(six->target, "/files/a?b");
  EXPECT_EQ(to_string(six->origin), "http://[::1]:80");
  EXPECT_EQ(parse_location("http://host?x")->target, "/?x");
}

TEST(Origin, WhatIsNoUrlOfANodeIsRefused) {
  for (char const* const url :
       {"", "127.0.0.1:7701", "https://a", "http://", "http://:1", "http://a:0", "http://a:65536",
        "http://a:1x", "http://a:", "http://[::1", "http://u@a", "ftp://a"}) {
    EXPECT_FALSE(parse_location(url)) << url;
  }
}

TEST(Origin, NamesAreEncodedForPathAndQuery) {
  EXPECT_EQ(encode_path("a/ñ b%?.txt"), "a/%C3%B1%20b%25%3F.txt");
  EXPECT_EQ(encode_query("a/b&c=d"), "a%2Fb%26c%3Dd");
}

}  // namespace
}  // namespace chisme::node::cli
