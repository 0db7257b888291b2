#include "node/http/socket_stream.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/http/moved_bytes.hpp"

namespace chisme::node {

namespace {
// How long the peer has to see our end and to end its side, and how much it may still send.
constexpr auto close_linger_time = std::chrono::seconds(3);
constexpr std::size_t close_linger_bytes_max = 8 << 20;
constexpr std::size_t discarded_at_once = 512;

tl::unexpected<Error> broken(char const* doing, asio::error_code const& error) {
  return fail(error == asio::error::operation_aborted ? Fault::cancelled : Fault::io,
              std::string(doing) + " a WebSocket client: " + error.message(), error.value());
}

class SocketTimer final : public web::ByteStream::Timer {
 public:
  SocketTimer(asio::io_context& loop, Duration delay, std::function<void()> then)
      : timer_(std::make_shared<asio::steady_timer>(loop, delay)) {
    // The handler looks whether the timer still lives: cancel() does not take back a handler that
    // is queued already.
    timer_->async_wait([weak = std::weak_ptr(timer_), call = std::move(then)](auto error) {
      if (!error && weak.lock()) call();
    });
  }

 private:
  std::shared_ptr<asio::steady_timer> timer_;
};
}  // namespace

struct SocketStream::State : std::enable_shared_from_this<SocketStream::State> {
  State(asio::io_context& io, ClientSocket connected)
      : loop(io), socket(std::move(connected)), linger_timer(io) {
    asio::error_code ignored;
    socket.tcp().non_blocking(true, ignored);
  }

  void close() {
    linger_timer.cancel();
    socket.close();
  }
  void finish_read(Result<std::size_t> result) {
    auto const done = std::exchange(read_done, nullptr);
    if (dropped) return;
    if (lingering) {
      done(fail(Fault::cancelled, "the stream is closing"));
      if (result && *result > 0) return linger_on(*result);
      return close();
    }
    done(std::move(result));
  }
  void finish_write(Result<void> result) {
    auto const done = std::exchange(write_done, nullptr);
    object.reset();
    left = {};
    outgoing = {};
    if (lingering) end_sending();
    if (!dropped) done(std::move(result));
  }
  void read_secure(std::span<std::byte> into);
  void send_outgoing();
  void send_secure();
  void send_object();
  void wait_to_send();
  // Completes from the loop.
  void post_read(Result<std::size_t> result) {
    asio::post(loop,
               [self = shared_from_this(), came = std::move(result)] { self->finish_read(came); });
  }
  void post_write(Result<void> result) {
    asio::post(loop,
               [self = shared_from_this(), came = std::move(result)] { self->finish_write(came); });
  }
  void end_sending();
  void close_after_linger_time();
  void linger_on(std::size_t bytes);

  asio::io_context& loop;
  ClientSocket socket;
  asio::steady_timer linger_timer;
  bool dropped = false;    // the stream was destroyed
  bool lingering = false;  // close_gently was called
  web::Done<std::size_t> read_done;
  web::Done<void> write_done;
  std::string outgoing;
  std::string_view left;  // of `outgoing`, where this sends it piece by piece
  std::shared_ptr<web::OpenObject const> object;
  SendingObject sending;
  std::vector<std::byte> discarded;  // while it lingers
  std::size_t lingered_bytes = 0;
};

void SocketStream::State::read_secure(std::span<std::byte> into) {
  using Step = ClientSocket::Step;
  if (!socket.is_open()) return post_read(fail(Fault::cancelled, "the WebSocket client is gone"));
  Step const step = socket.receive(into);
  if (step.state == Step::State::done) return post_read(step.bytes);
  if (step.state == Step::State::end) return post_read(std::size_t{0});
  if (!waits(step)) return post_read(fail(Fault::io, "reading from a WebSocket client by TLS"));
  socket.tcp().async_wait(awaited(step), [self = shared_from_this(), into](asio::error_code error) {
    if (error) return self->finish_read(broken("reading from", error));
    self->read_secure(into);
  });
}

void SocketStream::State::send_outgoing() {
  left = outgoing;
  if (socket.is_secure()) return send_secure();
  asio::async_write(socket.tcp(), asio::buffer(outgoing),
                    [self = shared_from_this()](asio::error_code error, std::size_t) {
                      if (error) return self->finish_write(broken("writing to", error));
                      self->finish_write({});
                    });
}

void SocketStream::State::send_secure() {
  std::string_view none;
  while (!left.empty()) {
    if (!socket.is_open()) {
      return post_write(fail(Fault::cancelled, "the WebSocket client is gone"));
    }
    Sent const sent = socket.send(left, none);
    if (sent == Sent::failed) return post_write(fail(Fault::io, "writing to a WebSocket client"));
    if (sent == Sent::full) return wait_to_send();
  }
  post_write({});
}

void SocketStream::State::send_object() {
  if (!socket.is_open()) {
    return finish_write(fail(Fault::cancelled, "the WebSocket client is gone"));
  }
  switch (socket.send_object(left, sending)) {
    case Sent::all:
      return finish_write({});
    case Sent::some:
      return asio::post(loop, [self = shared_from_this()] { self->send_object(); });
    case Sent::full:
      return wait_to_send();
    case Sent::failed:
      return finish_write(fail(Fault::io, "sending to a WebSocket client"));
  }
}

void SocketStream::State::wait_to_send() {
  socket.tcp().async_wait(asio::ip::tcp::socket::wait_write,
                          [self = shared_from_this()](asio::error_code error) {
                            if (error) return self->finish_write(broken("writing to", error));
                            self->object ? self->send_object() : self->send_secure();
                          });
}

void SocketStream::State::end_sending() {
  asio::error_code ignored;
  socket.end_sending(ignored);
  close_after_linger_time();
  if (!read_done) linger_on(0);
}

void SocketStream::State::close_after_linger_time() {
  linger_timer.expires_after(close_linger_time);
  linger_timer.async_wait([self = shared_from_this()](asio::error_code error) {
    if (!error) self->close();
  });
}

// Bytes that arrive after the end was sent must be read: unread, they would make the kernel reset
// the connection, and the peer would lose what it has not read yet (the close frame).
void SocketStream::State::linger_on(std::size_t bytes) {
  lingered_bytes += bytes;
  if (lingered_bytes > close_linger_bytes_max || !socket.is_open()) return close();
  discarded.resize(discarded_at_once);
  socket.tcp().async_read_some(
      asio::buffer(discarded),
      [self = shared_from_this()](asio::error_code error, std::size_t count) {
        if (error) return self->close();
        self->linger_on(count);
      });
}

SocketStream::SocketStream(asio::io_context& loop, ClientSocket socket)
    : state_(std::make_shared<State>(loop, std::move(socket))) {}

SocketStream::~SocketStream() {
  state_->dropped = true;
  // A pending read writes into the owner's memory, which goes too.
  if (!state_->lingering || state_->read_done) state_->close();
}

void SocketStream::read(std::span<std::byte> into, web::Done<std::size_t> done) {
  CHECK(!state_->read_done);
  state_->read_done = std::move(done);
  if (state_->socket.is_secure()) return state_->read_secure(into);
  state_->socket.tcp().async_read_some(asio::buffer(into.data(), into.size()),
                                       [self = state_](asio::error_code error, std::size_t count) {
                                         if (error == asio::error::eof)
                                           return self->finish_read(std::size_t{0});
                                         if (error)
                                           return self->finish_read(broken("reading from", error));
                                         self->finish_read(count);
                                       });
}

void SocketStream::write(std::string bytes, web::Done<void> done) {
  CHECK(!state_->write_done);
  state_->write_done = std::move(done);
  state_->outgoing = std::move(bytes);
  state_->send_outgoing();
}

void SocketStream::write_object(std::string header, std::shared_ptr<web::OpenObject const> object,
                                ByteOffset offset, ByteCount length, web::Done<void> done) {
  CHECK(!state_->write_done);
  state_->write_done = std::move(done);
  state_->outgoing = std::move(header);
  state_->left = state_->outgoing;
  state_->sending = {object->descriptor(), static_cast<std::int64_t>(offset.value()),
                     length.value()};
  state_->object = std::move(object);
  auto const send = [self = state_] { asio::post(self->loop, [self] { self->send_object(); }); };
  if (state_->object->is_trusted(offset, length)) return send();
  state_->object->verify(offset, length, [self = state_, send](Result<void> const& verified) {
    verified ? send() : self->post_write(verified);
  });
}

std::optional<std::uint64_t> SocketStream::taken_bytes() const {
  if (!state_->socket.is_open()) return std::nullopt;
  return moved_bytes(state_->socket.tcp().native_handle(), Moving::out);
}

std::unique_ptr<web::ByteStream::Timer> SocketStream::after(Duration delay,
                                                            std::function<void()> then) {
  return std::make_unique<SocketTimer>(state_->loop, delay, std::move(then));
}

void SocketStream::close_gently() {
  if (state_->lingering || !state_->socket.is_open()) return;
  state_->lingering = true;
  if (!state_->write_done) return state_->end_sending();
  // A peer that does not read must not hold the socket for ever.
  state_->close_after_linger_time();
}

void SocketStream::close() {
  state_->close();
}

}  // namespace chisme::node
