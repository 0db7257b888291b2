#include <sys/socket.h>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "node/http/connection.hpp"
#include "node/peer/address.hpp"

// Connections that begin with TLS, and those that should have.
namespace chisme::node {

namespace {
constexpr char handshake_record = 0x16;
// A fatal alert, handshake_failure (RFC 8446, 6).
constexpr std::string_view no_tls_here("\x15\x03\x03\x00\x02\x02\x28", 7);

bool comes_from_this_machine(asio::ip::tcp::socket const& socket) {
  asio::error_code error;
  auto const remote = socket.remote_endpoint(error);
  return !error && is_loopback(from_tcp(remote));
}
}  // namespace

// A client that says nothing is as good as one between two requests.
asio::awaitable<bool> HttpConnection::meet_client() {
  auto const& settings = host_->settings;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  expect_within(settings.idle_timeout);
  co_await socket_.tcp().async_wait(asio::ip::tcp::socket::wait_read, token);
  int const descriptor = socket_.tcp().native_handle();
  char first = 0;
  if (error || ::recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return false;
  expect_nothing();
  if (first != handshake_record) {
    plain_refused_ = !settings.plain_for_all && !comes_from_this_machine(socket_.tcp());
    co_return true;
  }
  fresh_ = false;
  socket_.secure(settings.tls->begin(descriptor));
  parser_.mark_secure();
  expect_within(settings.head_timeout);
  bool const agreed = co_await shake_hands();
  expect_nothing();
  (agreed ? settings.counters->handshakes : settings.counters->handshakes_failed).add();
  co_return agreed;
}

asio::awaitable<bool> HttpConnection::shake_hands() {
  using State = ClientSocket::Step::State;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (socket_.is_open() && !error) {
    auto const step = socket_.shake_hands();
    if (step.state == State::done) co_return true;
    if (!waits(step)) co_return false;
    auto const wanted = awaited(step);
    co_await socket_.tcp().async_wait(wanted, token);
  }
  co_return false;
}

asio::awaitable<std::size_t> HttpConnection::receive_secure(std::span<std::byte> into) {
  using State = ClientSocket::Step::State;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (socket_.is_open() && !error) {
    auto const step = socket_.receive(into);
    if (step.state == State::done) co_return step.bytes;
    if (!waits(step)) co_return 0;
    auto const wanted = awaited(step);
    co_await socket_.tcp().async_wait(wanted, token);
  }
  co_return 0;
}

asio::awaitable<void> HttpConnection::refuse_tls() {
  bool const told = co_await write_all(no_tls_here);
  if (told) co_await linger();
}

}  // namespace chisme::node
