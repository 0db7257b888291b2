#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/web/memory_gateway.hpp"
#include "web/service.hpp"

namespace chisme::web {

// "PUT /files/a\nIf-Match: *" as a request that went through the real parser; Host is added.
inline Request request_of(std::string const& text) {
  std::size_t const line_end = std::min(text.find('\n'), text.size());
  std::string head = text.substr(0, line_end) + " HTTP/1.1\r\n";
  std::string const rest = text.substr(std::min(line_end + 1, text.size()));
  if (rest.find("Host:") == std::string::npos) head += "Host: localhost:7701\r\n";
  std::size_t begin = 0;
  while (begin < rest.size()) {
    std::size_t const end = std::min(rest.find('\n', begin), rest.size());
    head += rest.substr(begin, end - begin) + "\r\n";
    begin = end + 1;
  }
  head += "\r\n";
  RequestParser parser;
  auto const progress = parser.feed(std::as_bytes(std::span{head}));
  EXPECT_TRUE(progress.state == ParseState::body || progress.state == ParseState::complete) << text;
  return parser.request();
}

inline std::string websocket(std::string const& target) {
  return "GET " + target +
         "\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
}

// All values of that header, in order, joined by " | "; empty when there is none.
inline std::string header_of(Reply const& reply, std::string const& name) {
  return reply.headers.values(name);
}

// A service over a node in memory that knows one local file and one that others hold.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    gateway.add("local.mp4", "hello, world", "video/mp4");
    gateway.add("remote.txt", "from elsewhere", "text/plain").local = false;
    gateway.holders = {{NodeId{0, 2}, "http://127.0.0.1:7702", 1, false},
                       {NodeId{0, 3}, "http://127.0.0.1:7703", 2, false}};
    gateway.origins = {"http://127.0.0.1:7701", "http://127.0.0.1:7702"};
  }

  Plan plan(std::string const& text) { return service.plan(request_of(text)); }
  // The plan's only possibility is a reply.
  Reply reply(std::string const& text) {
    Plan const planned = plan(text);
    if (auto const* const found = std::get_if<Reply>(&planned)) return *found;
    ADD_FAILURE() << text << " was not answered but planned as " << planned.index();
    return Reply{.status = 999, .headers = {}, .body = {}};
  }
  // The answer after the files were counted.
  Reply counted(std::string const& text) {
    planned<CountFiles>(text);
    return service.counted(request_of(text));
  }
  unsigned status(std::string const& text) { return reply(text).status; }
  template <class Wanted>
  Wanted planned(std::string const& text) {
    Plan const found = plan(text);
    if (auto const* const wanted = std::get_if<Wanted>(&found)) return *wanted;
    auto const* const answer = std::get_if<Reply>(&found);
    ADD_FAILURE() << text << " gave plan " << found.index() << ": "
                  << (answer ? std::to_string(answer->status) + answer->body : "");
    return {};
  }
  // The answer after the others were asked.
  Plan plan_after_asking(std::string const& text) {
    auto const question = planned<AskOthers>(text);
    Result<Lookup> answer;
    gateway.lookup_everywhere(question.name, [&](Result<Lookup> found) { answer = found; });
    return service.plan_with(request_of(text), answer);
  }

  MemoryGateway gateway;
  std::vector<Asset> assets{{"/", "text/html; charset=utf-8", "<p>page</p>", "zipped", "\"v1\""},
                            {"/worker.js", "text/javascript", "work()", "", "\"v2\""}};
  Service service{gateway, {.max_file_size = ByteCount{1000}, .hosts = {}, .assets = assets}};
};

}  // namespace chisme::web
