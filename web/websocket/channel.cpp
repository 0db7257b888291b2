#include "web/websocket/channel.hpp"

#include <optional>
#include <utility>
#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/config/core.hpp>
#include <websocketpp/logger/stub.hpp>
#include <websocketpp/server.hpp>

#include "web/gate.hpp"
#include "web/websocket/transport.hpp"
#include "web/websocket/wire.hpp"

namespace chisme::web {

namespace {
constexpr auto ping_period = std::chrono::seconds(20);
// Periods without a byte from the client, after which it is taken to be gone: one that has read
// all it was sent, and one that does not read (our pings do not reach it).
constexpr int silent_periods_max = 3;
constexpr int stuck_periods_max = 15;
constexpr std::size_t close_reason_bytes_max = 123;

struct LibraryConfig : websocketpp::config::core {
  using type = LibraryConfig;
  using concurrency_type = websocketpp::concurrency::none;
  using alog_type = websocketpp::log::stub;
  using elog_type = websocketpp::log::stub;
  using rng_type = websocketpp::random::none::int_generator<std::uint32_t>;
  struct transport_config {
    using concurrency_type = LibraryConfig::concurrency_type;
    using alog_type = LibraryConfig::alog_type;
    using elog_type = LibraryConfig::elog_type;
    using request_type = LibraryConfig::request_type;
    using response_type = LibraryConfig::response_type;
  };
  using transport_type = transport::Endpoint<transport_config>;
  static long const timeout_close_handshake = 30'000;
  static long const timeout_pong = 0;  // Channel judges silence itself
  // Above a piece and above a text message: the inspector has judged already.
  static std::size_t const max_message_size = 1 << 20;
  static bool const enable_extensions = false;
  // Each connection has such a buffer, also while it idles.
  static std::size_t const connection_read_buffer_size = 2 << 10;
};
using Library = websocketpp::server<LibraryConfig>;

// One per thread: it holds no connections, only what is common to all.
Library& library() {
  thread_local Library instance;
  return instance;
}

// The head that the library needs of a handshake that was checked before (RFC 6455, 4.2.1); the
// rest of the client's head does not reach its parser.
std::string handshake_head(Request const& request) {
  auto const key = request.header("Sec-WebSocket-Key").value_or("");
  std::string const protocol = selected_subprotocol(request);
  return "GET / HTTP/1.1\r\nHost: chisme\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(key) + (protocol.empty() ? "" : "\r\nSec-WebSocket-Protocol: " + protocol) +
         "\r\n\r\n";
}

class LibraryChannel final : public Channel, public std::enable_shared_from_this<LibraryChannel> {
 public:
  LibraryChannel(std::shared_ptr<Wire> wire, std::function<void()> on_closed)
      : wire_(std::move(wire)),
        connection_(library().get_connection()),
        on_closed_(std::move(on_closed)) {}

  void start(MakeSession const& make_session);

  void send_text(std::string const& message) override;
  void send_binary(std::string_view message) override;
  void send_object(std::string_view prefix, std::shared_ptr<OpenObject const> object,
                   ByteOffset offset, ByteCount length) override;
  [[nodiscard]] bool is_drained() const override { return wire_->is_drained(); }
  [[nodiscard]] std::size_t queued_bytes() const override {
    return wire_->queued_bytes() + connection_->get_buffered_amount();
  }
  void pause() override { wire_->pause(); }
  void resume() override {
    if (!finished_) wire_->resume();
  }
  void close(CloseCode code, std::string_view reason) override;
  void answer_close() override { wire_->release_close(); }
  void abort() override;
  [[nodiscard]] std::unique_ptr<ByteStream::Timer> after(Duration delay,
                                                         std::function<void()> then) override {
    return wire_->stream().after(delay, std::move(then));
  }

 private:
  // A call to `member` on this channel if it is still there.
  template <class Member>
  auto weakly(Member member) {
    return [weak = weak_from_this(), member](auto&&... arguments) {
      auto const self = weak.lock();
      if (self && !self->finished_) ((*self).*member)(arguments...);
    };
  }
  void on_open(websocketpp::connection_hdl const&);
  void on_message(websocketpp::connection_hdl const&, Library::message_ptr const& message);
  void on_gone(websocketpp::connection_hdl const&);
  void on_peer_closing();
  void on_violation(std::uint16_t code, char const* reason);
  void on_drained();
  void on_ended();
  void on_heard() { silent_periods_ = 0; }
  void send_close();
  void expect_pong();
  [[nodiscard]] bool may_send() const { return open_ && !finished_ && !closing_; }

  struct Closing {
    CloseCode code;
    std::string reason;
    bool sent = false;
  };

  std::shared_ptr<Wire> wire_;
  Library::connection_ptr connection_;
  std::function<void()> on_closed_;
  std::shared_ptr<Session> session_;
  std::unique_ptr<ByteStream::Timer> ping_timer_;
  std::optional<Closing> closing_;  // our own close
  int silent_periods_ = 0;
  bool open_ = false;
  bool finished_ = false;
};

void LibraryChannel::start(MakeSession const& make_session) {
  session_ = make_session(shared_from_this());
  wire_->start(weak_from_this(), Wire::Events{
                                     .peer_closing = weakly(&LibraryChannel::on_peer_closing),
                                     .violation = weakly(&LibraryChannel::on_violation),
                                     .drained = weakly(&LibraryChannel::on_drained),
                                     .ended = weakly(&LibraryChannel::on_ended),
                                     .heard = weakly(&LibraryChannel::on_heard),
                                     .library_backlog =
                                         [weak = weak_from_this()] {
                                           auto const self = weak.lock();
                                           return self ? self->connection_->get_buffered_amount()
                                                       : 0;
                                         },
                                 });
  connection_->attach(wire_);
  // A browser takes no answer that selects none of what it offered (RFC 6455, 4.1).
  connection_->set_validate_handler([&chosen = *connection_](websocketpp::connection_hdl const&) {
    auto const& offered = chosen.get_requested_subprotocols();
    if (!offered.empty()) chosen.select_subprotocol(offered.front());
    return true;
  });
  connection_->set_open_handler(weakly(&LibraryChannel::on_open));
  connection_->set_message_handler(weakly(&LibraryChannel::on_message));
  connection_->set_close_handler(weakly(&LibraryChannel::on_gone));
  connection_->set_fail_handler(weakly(&LibraryChannel::on_gone));
  connection_->start();
}

void LibraryChannel::on_open(websocketpp::connection_hdl const&) {
  open_ = true;
  wire_->opened();
  expect_pong();
  if (closing_) return send_close();
  session_->opened();
}

void LibraryChannel::on_message(websocketpp::connection_hdl const&,
                                Library::message_ptr const& message) {
  if (closing_) return;
  if (message->get_opcode() == websocketpp::frame::opcode::text) {
    session_->text(message->get_payload());
  } else {
    session_->binary(std::move(message->get_raw_payload()), wire_->inspector().last_piece());
  }
}

void LibraryChannel::on_gone(websocketpp::connection_hdl const&) {
  auto const keep = shared_from_this();
  finished_ = true;
  ping_timer_.reset();
  auto const session = std::exchange(session_, nullptr);
  session->closed();
  if (auto const call = std::exchange(on_closed_, nullptr)) call();
}

void LibraryChannel::on_peer_closing() {
  if (closing_) return answer_close();
  session_->peer_closing(CloseCode{wire_->inspector().peer_close_code()});
}

void LibraryChannel::on_violation(std::uint16_t code, char const* reason) {
  websocketpp::lib::error_code error;
  connection_->close(code, reason, error);
  closing_ = Closing{CloseCode{code}, reason, true};
  wire_->end_after_writes();
}

void LibraryChannel::on_drained() {
  if (closing_) {
    if (!closing_->sent) send_close();
    return;
  }
  if (open_) session_->drained();
}

void LibraryChannel::on_ended() {
  connection_->terminate(
      websocketpp::transport::error::make_error_code(websocketpp::transport::error::eof));
}

void LibraryChannel::send_text(std::string const& message) {
  if (!may_send()) return;
  // It fails only when the channel is closing already; then nobody waits for the message.
  [[maybe_unused]] auto const ignored =
      connection_->send(message, websocketpp::frame::opcode::text);
}

void LibraryChannel::send_binary(std::string_view message) {
  if (!may_send()) return;
  auto frame = binary_frame_header(message.size());
  frame += message;
  wire_->write(std::move(frame), nullptr);
}

void LibraryChannel::send_object(std::string_view prefix, std::shared_ptr<OpenObject const> object,
                                 ByteOffset offset, ByteCount length) {
  if (!may_send()) return;
  auto header = binary_frame_header(prefix.size() + length.value());
  header += prefix;
  wire_->write_object(std::move(header), std::move(object), offset, length, nullptr);
}

void LibraryChannel::close(CloseCode code, std::string_view reason) {
  if (closing_ || finished_) return;
  closing_ = Closing{code, std::string(reason.substr(0, close_reason_bytes_max))};
  if (open_ && wire_->is_drained()) send_close();
}

// The library's timer for the client's answer starts with the frame, so it goes out last.
void LibraryChannel::send_close() {
  closing_->sent = true;
  websocketpp::lib::error_code error;
  connection_->close(static_cast<std::uint16_t>(closing_->code), closing_->reason, error);
  if (error) return abort();
  wire_->resume();
}

void LibraryChannel::abort() {
  if (finished_) return;
  auto const keep = shared_from_this();
  wire_->close();
  connection_->terminate(websocketpp::transport::error::make_error_code(
      websocketpp::transport::error::operation_aborted));
}

void LibraryChannel::expect_pong() {
  ping_timer_ = after(ping_period, [weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self || self->finished_) return;
    // While we do not read, the client's silence says nothing.
    if (!self->wire_->is_paused()) ++self->silent_periods_;
    bool const stuck = !self->wire_->is_drained();
    if (self->silent_periods_ >= (stuck ? stuck_periods_max : silent_periods_max)) {
      return self->abort();
    }
    websocketpp::lib::error_code ignored;
    if (!stuck) self->connection_->ping("", ignored);
    self->expect_pong();
  });
}
}  // namespace

std::shared_ptr<Channel> open_channel(std::unique_ptr<ByteStream> stream, Request const& request,
                                      std::string already_read, FrameLimits limits,
                                      MakeSession const& make_session,
                                      std::function<void()> on_closed) {
  auto wire = std::make_shared<Wire>(std::move(stream), limits, handshake_head(request),
                                     std::move(already_read));
  auto channel = std::make_shared<LibraryChannel>(std::move(wire), std::move(on_closed));
  channel->start(make_session);
  return channel;
}

}  // namespace chisme::web
