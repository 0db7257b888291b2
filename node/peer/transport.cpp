#include "node/peer/transport.hpp"

#include <algorithm>
#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/ip/udp.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/wire/codec.hpp"
#include "node/clock.hpp"
#include "node/keeping.hpp"
#include "node/peer/address.hpp"
#include "node/peer/sealing.hpp"
#include "node/peer/socket.hpp"

namespace chisme::node {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

constexpr Duration hello_timeout = std::chrono::seconds{5};
constexpr Duration peer_accept_pause = std::chrono::milliseconds{100};  // after an error, as EMFILE
constexpr unsigned datagrams_per_turn = 64;
constexpr int datagram_buffer_bytes = 1 << 20;

// One of the streams to a peer.
struct Lane {
  Endpoint to;
  bool probes = false;
  friend auto operator<=>(Lane const&, Lane const&) = default;
};

// What waits to be sent on it.
struct Outgoing {
  Outgoing(asio::io_context& loop, Caller caller)
      : socket{std::make_shared<PeerSocket>(loop, caller, StreamKind::control)}, wake{loop} {}
  std::shared_ptr<PeerSocket> socket;
  asio::steady_timer wake;
  std::deque<std::string> queue;
  std::size_t queued_bytes = 0;
  bool overflowed = false;
};

// A connection whose hello has not come.
struct Unproven {
  std::shared_ptr<PeerSocket> socket;
  asio::ip::address from;
};

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

Error port_failure(asio::error_code const& error, Endpoint const& endpoint) {
  if (error == asio::error::address_in_use) {
    return Error{Fault::io,
                 "the peer port " + to_string(endpoint) +
                     " is in use by another program; stop it or choose another port with --peer",
                 error.value()};
  }
  return Error{Fault::io,
               "cannot listen for peers on " + to_string(endpoint) + ": " + error.message(),
               error.value()};
}

}  // namespace

struct PeerTransport::State : std::enable_shared_from_this<PeerTransport::State> {
  State(asio::io_context& its_loop, Self its_self, NarrowPaths& narrow_paths, PeerKeys const& keys,
        PeerTransportLimits its_limits)
      : loop{its_loop},
        self{its_self},
        caller{its_self.id, narrow_paths, keys},
        limits{its_limits},
        sealer{its_self.id, its_self.epoch},
        datagrams{loop},
        acceptor{loop} {}

  void bind(asio::error_code& error);
  asio::awaitable<void> receive_datagrams();
  void take_datagram(std::span<std::byte const> bytes, udp::endpoint const& from);
  [[nodiscard]] tl::expected<cluster::Envelope, PeerDrop> open_datagram(
      std::span<std::byte const> bytes, udp::endpoint const& from);
  // Whether plain bytes from there are listened to, or sealed ones at all.
  [[nodiscard]] bool hears(asio::ip::address const& from) const;
  void send_datagram(Endpoint to, std::string const& bytes);
  void send_stream(Lane lane, std::string bytes);
  asio::awaitable<void> run_outgoing(Lane lane, std::shared_ptr<Outgoing> outgoing);
  asio::awaitable<bool> deliver(Lane lane, std::shared_ptr<Outgoing> outgoing);
  asio::awaitable<void> accept_connections();
  void make_room_for(asio::ip::address const& from);
  asio::awaitable<void> run_accepted(std::shared_ptr<tcp::socket> socket, asio::ip::address from);
  asio::awaitable<std::optional<Hello>> greet(std::shared_ptr<PeerSocket> socket);
  asio::awaitable<void> serve_control(std::shared_ptr<PeerSocket> socket);
  bool take_frames(FrameParser& parser, std::span<std::byte const> bytes);
  void hand_over(PeerSocket::Released connection, StreamKind kind);

  asio::io_context& loop;
  Self self;
  Caller caller;
  PeerTransportLimits limits;
  DatagramSealer sealer;
  DatagramOpener opener;
  Callbacks callbacks;
  udp::socket datagrams;
  tcp::acceptor acceptor;
  std::map<Lane, std::shared_ptr<Outgoing>> outgoing;
  std::set<std::shared_ptr<PeerSocket>> accepted;
  std::list<Unproven> unproven;    // oldest first
  std::size_t accepted_count = 0;  // those whose hello has not come included
  PeerCounters counters;
  bool stopped = false;
};

PeerTransport::PeerTransport(asio::io_context& loop, Self self, NarrowPaths& narrow_paths,
                             PeerKeys const& keys, PeerTransportLimits limits)
    : state_{std::make_shared<State>(loop, self, narrow_paths, keys, limits)} {}

PeerTransport::~PeerTransport() {
  stop();
}

Result<void> PeerTransport::bind() {
  asio::error_code error;
  state_->bind(error);
  if (error) return tl::unexpected(port_failure(error, state_->self.peer));
  return {};
}

void PeerTransport::State::bind(asio::error_code& error) {
  auto const wanted = to_tcp(self.peer);
  if (acceptor.open(wanted.protocol(), error); error) return;
  acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (acceptor.bind(wanted, error); error) return;
  if (acceptor.listen(tcp::acceptor::max_listen_connections, error); error) return;
  self.peer.port = acceptor.local_endpoint(error).port();
  auto const both = to_udp(self.peer);
  if (datagrams.open(both.protocol(), error); error) return;
  datagrams.bind(both, error);
  if (error) return;
  asio::error_code best_effort;
  datagrams.set_option(udp::socket::receive_buffer_size{datagram_buffer_bytes}, best_effort);
  datagrams.non_blocking(true, error);
}

Endpoint PeerTransport::local() const {
  return state_->self.peer;
}

Endpoint PeerTransport::answers_to() const {
  Endpoint const listening = local();
  return {state_->self.told_address.value_or(listening.address), listening.port};
}

void PeerTransport::start(Callbacks callbacks) {
  state_->callbacks = std::move(callbacks);
  auto const state = state_;
  asio::co_spawn(state->loop, state->receive_datagrams(), keeping(state));
  asio::co_spawn(state->loop, state->accept_connections(), keeping(state));
}

void PeerTransport::stop() {
  state_->stopped = true;
  asio::error_code ignored;
  state_->datagrams.close(ignored);
  state_->acceptor.close(ignored);
  for (auto const& [lane, outgoing] : state_->outgoing) {
    outgoing->socket->close();
    outgoing->wake.cancel();
  }
  for (auto const& socket : state_->accepted) socket->close();
}

PeerCounters const& PeerTransport::counters() const {
  return state_->counters;
}

void PeerTransport::send(Endpoint to, cluster::Channel channel, cluster::Message message) {
  if (state_->stopped) return;
  Lane const lane{to, cluster::is_probe(message)};
  cluster::Envelope const envelope{state_->self.id, state_->self.epoch, answers_to(),
                                   std::move(message)};
  std::string bytes = cluster::encode(envelope);
  std::size_t const bytes_max = channel == cluster::Channel::datagram
                                    ? cluster::datagram_bytes_max
                                    : cluster::stream_message_bytes_max;
  if (bytes.size() > bytes_max || to.port == 0) return state_->counters.drop(PeerDrop::too_long);
  if (channel == cluster::Channel::datagram) return state_->send_datagram(to, bytes);
  state_->send_stream(lane, std::move(bytes));
}

// ---- Datagrams ---------------------------------------------------------------------------------

asio::awaitable<void> PeerTransport::State::receive_datagrams() {
  auto const keep = shared_from_this();
  // One byte more than allowed: a longer datagram is seen to be too long.
  std::array<std::byte, cluster::datagram_bytes_max + seal_bytes + 1> buffer;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!stopped) {
    co_await datagrams.async_wait(udp::socket::wait_read, token);
    for (unsigned i = 0; i < datagrams_per_turn && !stopped; ++i) {
      udp::endpoint from;
      std::size_t const count = datagrams.receive_from(asio::buffer(buffer), from, 0, error);
      if (error) break;
      take_datagram(std::span{buffer}.first(count), from);
    }
  }
}

void PeerTransport::State::take_datagram(std::span<std::byte const> bytes,
                                         udp::endpoint const& from) {
  counters.datagram_bytes_received += bytes.size();
  auto envelope = open_datagram(bytes, from);
  if (!envelope) return counters.drop(envelope.error());
  ++counters.datagrams_received;
  callbacks.on_envelope(cluster::Channel::datagram, std::move(*envelope));
}

bool PeerTransport::State::hears(asio::ip::address const& from) const {
  return caller.keys.ring() != nullptr || from.is_loopback();
}

tl::expected<cluster::Envelope, PeerDrop> PeerTransport::State::open_datagram(
    std::span<std::byte const> bytes, udp::endpoint const& from) {
  auto const understood =
      [](Result<cluster::Envelope> envelope) -> tl::expected<cluster::Envelope, PeerDrop> {
    if (!envelope) return tl::unexpected(PeerDrop::malformed);
    return std::move(*envelope);
  };
  if (!hears(from.address())) return tl::unexpected(PeerDrop::stranger);
  auto const ring = caller.keys.ring();
  if (!ring) return understood(cluster::decode(bytes, cluster::datagram_bytes_max));
  auto const opened = opener.open(*ring, bytes, steady_now());
  if (!opened) return tl::unexpected(PeerDrop::stranger);
  auto envelope = understood(cluster::decode(opened->text, cluster::datagram_bytes_max));
  bool const has_two_senders = envelope && envelope->sender != opened->sender;
  if (has_two_senders) return tl::unexpected(PeerDrop::malformed);
  return envelope;
}

// A datagram that the system refuses is a lost datagram.
void PeerTransport::State::send_datagram(Endpoint to, std::string const& bytes) {
  asio::error_code error;
  auto const ring = caller.keys.ring();
  std::string const sealed = ring ? sealer.seal(*ring, bytes_of(bytes)) : bytes;
  datagrams.send_to(asio::buffer(sealed), to_udp(to), 0, error);
  if (error) return counters.drop(PeerDrop::not_sent);
  ++counters.datagrams_sent;
  counters.datagram_bytes_sent += sealed.size();
}

// ---- Streams, outgoing -------------------------------------------------------------------------

void PeerTransport::State::send_stream(Lane lane, std::string bytes) {
  auto& entry = outgoing[lane];
  bool const fresh = !entry;
  if (fresh) entry = std::make_shared<Outgoing>(loop, caller);
  auto const stream = entry;
  if (stream->queue.size() >= limits.queued_messages_max ||
      stream->queued_bytes + bytes.size() > limits.queued_bytes_max) {
    stream->overflowed = true;
    stream->socket->close();
    stream->wake.cancel();
    return;
  }
  stream->queued_bytes += bytes.size();
  stream->queue.push_back(std::move(bytes));
  if (fresh) {
    asio::co_spawn(loop, run_outgoing(lane, stream), keeping(shared_from_this()));
  } else {
    stream->wake.cancel();
  }
}

// Runs one connection until it is idle or fails; the next message opens a new one.
asio::awaitable<void> PeerTransport::State::run_outgoing(Lane lane,
                                                         std::shared_ptr<Outgoing> stream) {
  auto const keep = shared_from_this();
  bool const delivered = co_await deliver(lane, stream);
  stream->socket->close();
  if (auto const found = outgoing.find(lane); found != outgoing.end() && found->second == stream) {
    outgoing.erase(found);
  }
  if (!delivered && !stopped) callbacks.on_unreachable(lane.to);
}

// False when the connection failed; true when it was idle for so long that it is not needed.
asio::awaitable<bool> PeerTransport::State::deliver(Lane lane, std::shared_ptr<Outgoing> stream) {
  Segments const segments = lane.probes ? Segments::small : Segments::full;
  auto const connected =
      co_await stream->socket->connect(lane.to, limits.connect_timeout, segments);
  if (!connected) co_return false;
  // The other side sends nothing on this connection: whatever comes is its end.
  stream->socket->on_readable([stream] {
    stream->socket->close();
    stream->wake.cancel();
  });
  asio::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  while (stream->socket->is_open() && !stream->overflowed && !stopped) {
    if (stream->queue.empty()) {
      stream->wake.expires_after(limits.idle_timeout);
      co_await stream->wake.async_wait(token);
      if (!woken && stream->queue.empty()) co_return true;
      continue;
    }
    std::string const frame = std::move(stream->queue.front());
    stream->queue.pop_front();
    auto const head = encode_frame_head(static_cast<std::uint32_t>(frame.size()));
    std::span<std::byte const> const head_bytes{head};
    std::span<std::byte const> const frame_bytes = bytes_of(frame);
    auto const sent = co_await stream->socket->write(head_bytes, frame_bytes, limits.write_timeout);
    stream->queued_bytes -= frame.size();
    if (!sent) co_return false;
  }
  co_return false;
}

// ---- Streams, accepted -------------------------------------------------------------------------

asio::awaitable<void> PeerTransport::State::accept_connections() {
  auto const keep = shared_from_this();
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer pause{loop};
  while (!stopped) {
    auto const socket = std::make_shared<tcp::socket>(loop);
    co_await acceptor.async_accept(*socket, token);
    if (stopped) co_return;
    if (error) {
      pause.expires_after(peer_accept_pause);
      co_await pause.async_wait(token);
      continue;
    }
    auto const from = socket->remote_endpoint(error);
    if (error || !hears(from.address()) || accepted_count >= limits.accepted_max) continue;
    ++accepted_count;
    make_room_for(from.address());
    asio::co_spawn(loop, run_accepted(socket, from.address()), keeping(shared_from_this()));
  }
}

// Whoever is silent for longest has the least to lose: a node says hello at once.
void PeerTransport::State::make_room_for(asio::ip::address const& from) {
  auto const of_same = [&](Unproven const& each) { return each.from == from; };
  auto oldest = unproven.end();
  if (unproven.size() >= limits.unproven_max) oldest = unproven.begin();
  if (static_cast<std::size_t>(std::ranges::count_if(unproven, of_same)) >=
      limits.unproven_of_address_max) {
    oldest = std::ranges::find_if(unproven, of_same);
  }
  if (oldest == unproven.end()) return;
  oldest->socket->close();
  unproven.erase(oldest);
}

// nullopt: it does not know the secret, or speaks another language.
asio::awaitable<std::optional<Hello>> PeerTransport::State::greet(
    std::shared_ptr<PeerSocket> socket) {
  std::array<std::byte, hello_bytes> bytes;
  std::span<std::byte> const into{bytes};
  auto read = co_await socket->accept(hello_timeout);
  if (read) read = co_await socket->read(into, hello_timeout);
  if (!read) co_return std::nullopt;
  co_return parse_hello(bytes);
}

asio::awaitable<void> PeerTransport::State::run_accepted(std::shared_ptr<tcp::socket> raw,
                                                         asio::ip::address from) {
  auto const keep = shared_from_this();
  int const descriptor = raw->native_handle();
  auto session = caller.keys.begin_session(PeerKeys::Side::accepting, descriptor);
  auto const socket = std::make_shared<PeerSocket>(std::move(*raw), std::move(session));
  accepted.insert(socket);
  unproven.push_back({socket, from});
  auto const hello = co_await greet(socket);
  std::erase_if(unproven, [&](Unproven const& each) { return each.socket == socket; });
  if (!hello) {
    counters.drop(PeerDrop::stranger);
  } else if (hello->kind == StreamKind::control) {
    co_await serve_control(socket);
  } else {
    hand_over(socket->release(), hello->kind);
  }
  socket->close();
  accepted.erase(socket);
  --accepted_count;
}

asio::awaitable<void> PeerTransport::State::serve_control(std::shared_ptr<PeerSocket> socket) {
  FrameParser parser{cluster::stream_message_bytes_max};
  std::vector<std::byte> buffer(64u << 10);
  std::span<std::byte> const into{buffer};
  for (;;) {
    auto const count = co_await socket->read_some(into, limits.accepted_timeout);
    if (!count || stopped || !take_frames(parser, into.first(*count))) co_return;
  }
}

// False when the bytes are not what a peer of this cluster sends.
bool PeerTransport::State::take_frames(FrameParser& parser, std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const progress = parser.feed(bytes);
    bytes = bytes.subspan(progress.consumed);
    if (progress.state == FrameParser::State::more) continue;
    bool const bad = progress.state == FrameParser::State::bad;
    Result<cluster::Envelope> envelope = fail(Fault::invalid, "a frame is too long");
    if (!bad) envelope = cluster::decode(progress.frame, cluster::stream_message_bytes_max);
    if (!envelope) {
      counters.drop(PeerDrop::malformed);
      if (!bad && cluster::is_too_new(progress.frame)) continue;  // its sender is ahead of us
      return false;
    }
    ++counters.stream_messages_received;
    callbacks.on_envelope(cluster::Channel::stream, std::move(*envelope));
  }
  return true;
}

void PeerTransport::State::hand_over(PeerSocket::Released connection, StreamKind kind) {
  asio::error_code error;
  auto const protocol = connection.socket.local_endpoint(error).protocol();
  int const descriptor = error ? -1 : connection.socket.release(error);
  if (error) return;
  callbacks.on_transfer(
      TransferConnection{descriptor, protocol, kind, std::move(connection.session)});
}

}  // namespace chisme::node
