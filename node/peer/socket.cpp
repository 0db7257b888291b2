#include "node/peer/socket.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>

#include "node/clock.hpp"
#include "node/log.hpp"
#include "node/peer/address.hpp"

namespace chisme::node {
namespace {

// How much one sendfile may move before others on the loop have their turn.
constexpr std::uint64_t sendfile_step_bytes = 1u << 20;
// The same where it is encrypted.
constexpr std::size_t file_step_bytes = 256u << 10;
// RFC 9293, 3.7.1: what every host takes.
constexpr int small_segment_bytes = 536;
constexpr Duration look_period = std::chrono::milliseconds{250};
// Each waits twice as long as the one before, the first for 200 ms or a few round trips, whichever
// is more: where the network is quick this is 1.4 s. Where every tenth packet is lost, both ways,
// one loss in a hundred or so is taken for that; a new connection is as quick as one more wait.
constexpr unsigned retransmissions_max = 3;

// What the kernel knows of what was sent.
struct Delivery {
  bool outstanding = false;  // not all is acknowledged
  bool stuck = false;
};

Delivery delivery_on(int descriptor) {
  int unacknowledged = 0;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::ioctl(descriptor, SIOCOUTQ, &unacknowledged) != 0) return {};
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {unacknowledged > 0,
          info.tcpi_unacked > 0 && info.tcpi_retransmits >= retransmissions_max};
}

}  // namespace

PeerSocket::PeerSocket(asio::ip::tcp::socket accepted, std::shared_ptr<TlsSession> session)
    : socket_{std::move(accepted)}, timer_{socket_.get_executor()}, session_{std::move(session)} {}

PeerSocket::PeerSocket(asio::io_context& loop, Caller caller, StreamKind kind)
    : socket_{loop},
      timer_{loop},
      path_{Path{caller.narrow_paths, caller.keys, Hello{kind, caller.self}}} {}

// The kernel tells the other side in its first packet how long segments may be.
void PeerSocket::open(asio::ip::tcp protocol, Segments segments, asio::error_code& error) {
  if (socket_.open(protocol, error); error) return;
  if (segments == Segments::full && !path_->narrow.contains(path_->to, steady_now())) return;
  using SegmentBytesMax = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_MAXSEG>;
  socket_.set_option(SegmentBytesMax{small_segment_bytes}, error);
}

asio::awaitable<Result<void>> PeerSocket::connect(Endpoint to, Duration limit, Segments segments) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto const endpoint = to_tcp(to);
  path_->to = to;
  open(endpoint.protocol(), segments, error);
  if (error) co_return tl::unexpected(failure(error));
  arm(limit);
  co_await socket_.async_connect(endpoint, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  socket_.set_option(asio::ip::tcp::no_delay{true}, error);
  session_ = path_->keys.begin_session(PeerKeys::Side::connecting, socket_.native_handle());
  auto const secured = co_await secure(limit);
  if (!secured) {
    log::warning(LogComponent::peer,
                 "the node at " + to_string(to) + " and this one did not agree on a secret (" +
                     secured.error().message +
                     "): if this line comes again, compare the files of --secret-file of both");
    co_return secured;
  }
  auto const bytes = encode(path_->hello);
  std::span<std::byte const> const head{bytes};
  std::span<std::byte const> const body;
  co_return co_await write(head, body, limit);
}

asio::awaitable<Result<void>> PeerSocket::accept(Duration limit) {
  co_return co_await secure(limit);
}

asio::awaitable<Result<void>> PeerSocket::read(std::span<std::byte> into, Duration limit) {
  if (session_) {
    arm(limit);
    auto const done = co_await read_tls(into);
    disarm();
    co_return done;
  }
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
  if (session_) {
    TlsStep const step = [this, into] { return session_->read(into); };
    arm(limit);
    auto const count = co_await run_tls(step);
    disarm();
    co_return count;
  }
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
  if (session_) {
    arm(limit);
    auto done = co_await write_tls(head);
    if (done) done = co_await write_tls(body);
    disarm();
    co_return done;
  }
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::array<asio::const_buffer, 2> const buffers{asio::buffer(head.data(), head.size()),
                                                  asio::buffer(body.data(), body.size())};
  outstanding_ = path_.has_value();
  arm(limit);
  co_await asio::async_write(socket_, buffers, token);
  disarm();
  if (error) co_return tl::unexpected(failure(error));
  co_return Result<void>{};
}

asio::awaitable<Result<void>> PeerSocket::send_file(int descriptor, ByteOffset offset,
                                                    ByteCount length, Duration limit) {
  if (session_) co_return co_await send_file_tls(descriptor, offset, length, limit);
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

// ---- Through TLS -------------------------------------------------------------------------------

asio::awaitable<Result<void>> PeerSocket::secure(Duration limit) {
  if (!session_) co_return Result<void>{};
  asio::error_code error;
  socket_.native_non_blocking(true, error);
  if (error) co_return tl::unexpected(failure(error));
  TlsStep const step = [this] { return session_->handshake(); };
  arm(limit);
  auto const done = co_await run_tls(step);
  disarm();
  if (!done) co_return tl::unexpected(done.error());
  co_return Result<void>{};
}

asio::awaitable<Result<std::size_t>> PeerSocket::run_tls(TlsStep step) {
  using State = TlsSession::Step::State;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (;;) {
    if (!socket_.is_open()) co_return tl::unexpected(failure(asio::error::operation_aborted));
    auto const did = step();
    if (did.state == State::wants_read || did.state == State::wants_write) {
      auto const wanted = did.state == State::wants_read ? asio::ip::tcp::socket::wait_read
                                                         : asio::ip::tcp::socket::wait_write;
      co_await socket_.async_wait(wanted, token);
      if (error) co_return tl::unexpected(failure(error));
      continue;
    }
    if (did.state == State::done) co_return did.bytes;
    if (did.state == State::end) co_return tl::unexpected(failure(asio::error::eof));
    co_return fail(Fault::unavailable,
                   "the encryption of a connection to a peer failed: " + session_->failure());
  }
}

asio::awaitable<Result<void>> PeerSocket::read_tls(std::span<std::byte> into) {
  while (!into.empty()) {
    TlsStep const step = [this, into] { return session_->read(into); };
    auto const count = co_await run_tls(step);
    if (!count) co_return tl::unexpected(count.error());
    into = into.subspan(*count);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> PeerSocket::write_tls(std::span<std::byte const> bytes) {
  outstanding_ = path_.has_value();
  while (!bytes.empty()) {
    TlsStep const step = [this, bytes] { return session_->write(bytes); };
    auto const count = co_await run_tls(step);
    if (!count) co_return tl::unexpected(count.error());
    bytes = bytes.subspan(*count);
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> PeerSocket::send_file_tls(int descriptor, ByteOffset offset,
                                                        ByteCount length, Duration limit) {
  std::vector<std::byte> buffer(file_step_bytes);
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (length.value() > 0) {
    // The loop's others have their turn, even if the socket takes all at once.
    arm(limit);
    co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, token);
    disarm();
    if (error) co_return tl::unexpected(failure(error));
    std::size_t const wanted = std::min<std::uint64_t>(buffer.size(), length.value());
    ssize_t const count =
        ::pread(descriptor, buffer.data(), wanted, static_cast<off_t>(offset.value()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return tl::unexpected(system_failure(errno, "reading an object for a peer"));
    if (count == 0) co_return fail(Fault::corrupt, "an object is shorter than it was");
    ByteCount const got{static_cast<std::uint64_t>(count)};
    std::span<std::byte const> const bytes = std::span{buffer}.first(got.value());
    arm(limit);
    auto const sent = co_await write_tls(bytes);
    disarm();
    if (!sent) co_return sent;
    offset = offset + got;
    length -= got;
  }
  co_return Result<void>{};
}

// ---- The end -----------------------------------------------------------------------------------

asio::awaitable<void> PeerSocket::close_gently(Duration limit) {
  if (session_ && socket_.is_open()) session_->end();
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

PeerSocket::Released PeerSocket::release() {
  timer_.cancel();
  return {std::move(socket_), std::move(session_)};
}

void PeerSocket::note_narrow_path() {
  if (!path_->narrow.add(path_->to, steady_now())) return;
  log::info(LogComponent::peer,
            "what is sent to, or by, the node at " + to_string(path_->to) +
                " gets lost: for ten minutes connections to it use short packets");
}

void PeerSocket::arm(Duration limit) {
  deadline_ = asio::steady_timer::clock_type::now() + limit;
  armed_ = true;
  if (!waiting_ || timer_.expiry() > next_look()) wait();
}

asio::steady_timer::time_point PeerSocket::next_look() const {
  if (!outstanding_) return deadline_;
  auto const soon = asio::steady_timer::clock_type::now() + look_period;
  return armed_ ? std::min(deadline_, soon) : soon;
}

// The timer is not moved at every operation: it looks, when it expires, how far the deadline went.
void PeerSocket::wait() {
  waiting_ = true;
  timer_.expires_at(next_look());
  timer_.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (!self || error) return;
    self->waiting_ = false;
    self->look();
  });
}

void PeerSocket::look() {
  if (!socket_.is_open()) return;
  if (outstanding_) {
    Delivery const delivery = delivery_on(socket_.native_handle());
    outstanding_ = delivery.outstanding;
    if (delivery.stuck) return give_up();
  }
  if (armed_ && asio::steady_timer::clock_type::now() >= deadline_) {
    timed_out_ = true;
    return close();
  }
  if (armed_ || outstanding_) wait();
}

// All operations end now; to the other side, which may still hear us, closing it is a reset.
void PeerSocket::give_up() {
  stuck_ = true;
  note_narrow_path();
  asio::error_code ignored;
  socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

Error PeerSocket::failure(asio::error_code const& error) const {
  if (stuck_) return Error{Fault::unavailable, "what was sent to a peer does not reach it"};
  if (timed_out_) return Error{Fault::unavailable, "a peer did not answer in time"};
  if (error == asio::error::eof) return Error{Fault::incomplete, "a peer ended the connection"};
  if (error == asio::error::operation_aborted) return Error{Fault::cancelled, "cancelled"};
  return Error{Fault::unavailable, "a peer is not reachable: " + error.message(), error.value()};
}

}  // namespace chisme::node
