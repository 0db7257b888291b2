#include "node/peer/socket.hpp"

#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>

#include "node/peer/address.hpp"

namespace chisme::node {
namespace {

// How much one sendfile may move before others on the loop have their turn.
constexpr std::uint64_t sendfile_step_bytes = 1u << 20;

}  // namespace

PeerSocket::PeerSocket(asio::ip::tcp::socket socket)
    : socket_{std::move(socket)}, timer_{socket_.get_executor()} {}

PeerSocket::PeerSocket(asio::io_context& loop) : socket_{loop}, timer_{loop} {}

asio::awaitable<Result<void>> PeerSocket::connect(Endpoint to, Hello hello, Duration limit) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto const endpoint = to_tcp(to);
  arm(limit);
  co_await socket_.async_connect(endpoint, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  socket_.set_option(asio::ip::tcp::no_delay{true}, error);
  auto const bytes = encode(hello);
  std::span<std::byte const> const head{bytes};
  std::span<std::byte const> const body;
  co_return co_await write(head, body, limit);
}

asio::awaitable<Result<void>> PeerSocket::read(std::span<std::byte> into, Duration limit) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto const buffer = asio::buffer(into.data(), into.size());
  arm(limit);
  co_await asio::async_read(socket_, buffer, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  co_return Result<void>{};
}

asio::awaitable<Result<std::size_t>> PeerSocket::read_some(std::span<std::byte> into,
                                                           Duration limit) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto const buffer = asio::buffer(into.data(), into.size());
  arm(limit);
  std::size_t const count = co_await socket_.async_read_some(buffer, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  co_return count;
}

asio::awaitable<Result<void>> PeerSocket::write(std::span<std::byte const> head,
                                                std::span<std::byte const> body, Duration limit) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::array<asio::const_buffer, 2> const buffers{asio::buffer(head.data(), head.size()),
                                                  asio::buffer(body.data(), body.size())};
  arm(limit);
  co_await asio::async_write(socket_, buffers, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  co_return Result<void>{};
}

asio::awaitable<Result<void>> PeerSocket::send_file(int descriptor, ByteOffset offset,
                                                    ByteCount length, Duration limit) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  socket_.native_non_blocking(true, error);
  if (error) co_return tl::unexpected(failure(error));
  auto at = static_cast<off_t>(offset.value());
  std::uint64_t left = length.value();
  while (left > 0) {
    // Waiting first, even if the socket takes more at once, gives the loop's others their turn.
    arm(limit);
    co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, token);
    disarm();
    if (error) co_return tl::unexpected(failure(error));
    ssize_t const sent =
        ::sendfile(socket_.native_handle(), descriptor, &at, std::min(left, sendfile_step_bytes));
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) co_return tl::unexpected(system_failure(errno, "sending an object to a peer"));
    if (sent == 0) co_return fail(Fault::corrupt, "an object is shorter than it was");
    left -= static_cast<std::uint64_t>(sent);
  }
  co_return Result<void>{};
}

asio::awaitable<void> PeerSocket::close_gently(Duration limit) {
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::array<std::byte, 4096> rest;
  std::span<std::byte> const into{rest};
  auto const end = asio::steady_timer::clock_type::now() + limit;
  for (Duration left = limit; left > Duration{};
       left = std::chrono::duration_cast<Duration>(end - asio::steady_timer::clock_type::now())) {
    auto const dropped = co_await read_some(into, left);
    if (!dropped) break;
  }
  close();
}

void PeerSocket::close() {
  asio::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void PeerSocket::on_readable(std::function<void()> then) {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [ready = std::move(then)](asio::error_code const& error) {
                       if (!error) ready();
                     });
}

asio::ip::tcp::socket PeerSocket::release() {
  timer_.cancel();
  return std::move(socket_);
}

void PeerSocket::arm(Duration limit) {
  deadline_ = asio::steady_timer::clock_type::now() + limit;
  armed_ = true;
  if (!waiting_ || timer_.expiry() > deadline_) wait();
}

// The timer is not moved at every operation: it looks, when it expires, how far the deadline went.
void PeerSocket::wait() {
  waiting_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (!self || error) return;
    self->waiting_ = false;
    if (!self->armed_) return;
    if (asio::steady_timer::clock_type::now() < self->deadline_) return self->wait();
    self->timed_out_ = true;
    self->close();
  });
}

Error PeerSocket::failure(asio::error_code const& error) const {
  if (timed_out_) return Error{Fault::unavailable, "a peer did not answer in time"};
  if (error == asio::error::eof) return Error{Fault::incomplete, "a peer ended the connection"};
  if (error == asio::error::operation_aborted) return Error{Fault::cancelled, "cancelled"};
  return Error{Fault::unavailable, "a peer is not reachable: " + error.message(), error.value()};
}

}  // namespace chisme::node
