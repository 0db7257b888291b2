#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"
#include "cluster/input.hpp"
#include "cluster/wire/messages.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/peer/peer_counters.hpp"
#include "node/security/peer_keys.hpp"

namespace chisme::node {

// A connection of another node that asks for, or brings, an object. The descriptor is the taker's.
struct TransferConnection {
  int descriptor = -1;
  asio::ip::tcp protocol = asio::ip::tcp::v4();
  StreamKind kind = StreamKind::pull;
  std::shared_ptr<TlsSession> session;  // nullptr: plain
};

struct PeerTransportLimits {
  std::size_t accepted_max = 1024;  // connections accepted and open; more are closed
  // Of these, those that have not said yet who they are. For one more the oldest is closed.
  std::size_t unproven_max = 512;
  std::size_t unproven_of_address_max = 256;  // a node may begin many transfers at once
  std::size_t queued_messages_max = 4096;     // per stream; more is PeerUnreachable
  std::size_t queued_bytes_max = 16u << 20;   // per stream
  Duration connect_timeout = std::chrono::seconds{2};
  Duration write_timeout = std::chrono::seconds{5};
  Duration idle_timeout = std::chrono::seconds{60};      // then an unused stream is closed
  Duration accepted_timeout = std::chrono::seconds{90};  // the same, on the accepting side
};

// PeerTransport carries envelopes between nodes: a UDP socket, and TCP connections that are opened
// on demand, two per peer and direction, on the same port. With a secret, datagrams are sealed
// (sealing.hpp) and connections encrypted, and what does not come from a node that knows it is
// dropped without an answer. Without one everything is plain, and only loopback addresses are
// heard.
//
// Datagrams may be lost. A stream delivers in order; when it cannot, or what was sent is lost again
// and again, everything queued on it is dropped and `on_unreachable` is called, later and once.
// Probes (`cluster::is_probe`) have a stream of their own, of short packets, so that a long message
// that is stuck does not make a node look dead. One loop's thread.
class PeerTransport {
 public:
  struct Self {
    NodeId id;
    Epoch epoch;
    Endpoint peer;                                               // where it listens
    std::optional<std::array<std::uint8_t, 16>> told_address{};  // where answers go, if elsewhere
  };
  struct Callbacks {
    std::function<void(cluster::Channel, cluster::Envelope)> on_envelope;
    std::function<void(Endpoint)> on_unreachable;
    std::function<void(TransferConnection)> on_transfer;
  };

  // `narrow_paths` and `keys` are used from any thread and outlive the loop.
  PeerTransport(asio::io_context& loop, Self self, NarrowPaths& narrow_paths, PeerKeys const& keys,
                PeerTransportLimits limits = {});
  ~PeerTransport();
  PeerTransport(PeerTransport const&) = delete;
  PeerTransport& operator=(PeerTransport const&) = delete;

  // Binds both sockets; port 0 takes a free one. Faults: io, with a sentence that names the port.
  [[nodiscard]] Result<void> bind();
  // Where it listens, and where it takes answers. REQUIRES: `bind` succeeded.
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] Endpoint answers_to() const;
  // Begins to receive. REQUIRES: `bind` succeeded.
  void start(Callbacks callbacks);
  // Sends `message`; a datagram that is too long, or an empty endpoint, counts as dropped.
  void send(Endpoint to, cluster::Channel channel, cluster::Message message);
  void stop();

  // What it counted since the start. From any thread, as long as the transport lives.
  [[nodiscard]] PeerCounters const& counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
