#include "node/peer/socket.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <csignal>
#include <thread>

namespace chisme::node {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

// The other side of an encrypted connection, which reads a little now and then, to the end.
void read_slowly(tcp::socket& socket, TlsSession& session) {
  using State = TlsSession::Step::State;
  std::vector<std::byte> block(16 << 10);
  auto step = session.handshake();
  while (step.state == State::done) {
    std::this_thread::sleep_for(20ms);
    step = session.read(block);
  }
  socket.close();
}

// 800 KiB a second: each step of a write goes on, and all of them take ten seconds.
TEST(PeerSocket, TheLimitOfAWriteIsForAllOfIt) {
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<Secret> const secrets{new_secret()};
  PeerKeys keys;
  keys.replace(KeyRing{secrets});
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  tcp::socket reading(loop), writing(loop);
  reading.open(tcp::v4());
  reading.set_option(asio::socket_base::receive_buffer_size(32 << 10));
  reading.connect(acceptor.local_endpoint());
  acceptor.accept(writing);
  writing.set_option(asio::socket_base::send_buffer_size(32 << 10));
  auto const other = keys.begin_session(PeerKeys::Side::connecting, reading.native_handle());
  auto const own = keys.begin_session(PeerKeys::Side::accepting, writing.native_handle());
  std::thread reader([&] { read_slowly(reading, *other); });

  auto const socket = std::make_shared<PeerSocket>(std::move(writing), own);
  std::vector<std::byte> const bytes(8 << 20);
  Result<void> written;
  auto const write_all = [&]() -> asio::awaitable<void> {
    auto const accepted = co_await socket->accept(5s);
    EXPECT_TRUE(accepted);
    std::span<std::byte const> const head;
    std::span<std::byte const> const body{bytes};
    written = co_await socket->write(head, body, 500ms);
  };
  asio::co_spawn(loop, write_all, asio::detached);
  loop.run();
  EXPECT_FALSE(written);
  EXPECT_TRUE(socket->is_timed_out());
  socket->close();
  reader.join();
}

}  // namespace
}  // namespace chisme::node
