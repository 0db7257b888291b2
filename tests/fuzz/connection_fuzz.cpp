#include <sys/socket.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cluster/base/check.hpp"
#include "node/http/connection.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/http/response_parser.hpp"

// All of what a client's bytes go through: a connection over a real socket, with the parser, the
// service, forms, resumable uploads and WebSockets behind it, and a node in memory. Whatever comes
// is answered by whole messages of HTTP, and nothing stays behind.
using namespace chisme;
using namespace chisme::node;

namespace {

constexpr unsigned turns_max = 100'000;

std::string everything_from(int socket) {
  std::string all;
  char buffer[16 << 10];
  while (true) {
    ssize_t const got = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
}

// Every answer is whole, but for the last where the connection may be cut. What answers a HEAD
// cannot be told from here, so that those are not looked at.
void check_answers(std::string_view asked, std::string_view answered) {
  if (asked.find("HEAD") != std::string_view::npos) return;
  web::ResponseParser parser;
  auto bytes = std::as_bytes(std::span{answered.data(), answered.size()});
  while (!bytes.empty()) {
    auto const progress = parser.feed(bytes);
    CHECK(progress.state != web::ParseState::failed);
    bytes = bytes.subspan(progress.consumed);
    if (progress.state == web::ParseState::head) {
      CHECK(progress.consumed > 0);
      continue;
    }
    if (parser.response().status == 101) return;
    if (progress.state == web::ParseState::complete) parser.next();
  }
}

// What waits for a timer, as an upload's news, ends with the loop.
void speak(web::MemoryGateway& gateway, std::string_view request, bool ends) {
  asio::io_context loop{1};
  HttpSettings settings;
  settings.service.max_file_size = ByteCount{1 << 16};
  auto const host = std::make_shared<HttpHost>(loop, gateway, settings);
  int sockets[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
  CHECK(::send(sockets[1], request.data(), request.size(), MSG_NOSIGNAL) == std::ssize(request));
  if (ends) ::shutdown(sockets[1], SHUT_WR);
  asio::ip::tcp::socket socket{loop};
  socket.assign(asio::ip::tcp::v4(), sockets[0]);
  auto place = settings.clients->admit(Endpoint{}, Instant{}).place;
  auto const connection =
      std::make_shared<HttpConnection>(host, std::move(socket), std::move(place), false);
  asio::co_spawn(loop, HttpConnection::run(connection), asio::detached);
  unsigned turns = 0;
  while (loop.poll() > 0) CHECK(++turns < turns_max);
  auto const answers = everything_from(sockets[1]);
  if (!request.starts_with('\x16')) check_answers(request, answers);  // TLS gets an alert
  ::close(sockets[1]);
  connection->close();
  host->websockets.abort_all();
  while (loop.poll() > 0) CHECK(++turns < turns_max);
  CHECK(host->websockets.open_sessions() == 0);
}

void visit(std::string_view request, std::uint8_t choice) {
  web::MemoryGateway gateway;
  gateway.add("a", "hello, world", "text/plain");
  gateway.quorum = (choice & 1) == 0;
  gateway.add("b", "elsewhere", "video/mp4").local = (choice & 2) != 0;
  speak(gateway, request, (choice & 4) == 0);
  CHECK(gateway.in_flight == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  std::uint8_t const choice = input.byte();
  std::string text{input.rest()};
  // For short seeds: "~" at the beginning of a line stands for what every request needs.
  for (std::size_t at = 0; (at = text.find("\n~", at)) != std::string::npos; at += 2) {
    text.replace(at, 2, "\r\nHost: localhost:7701\r\n");
  }
  visit(text, choice);
  return 0;
}
