#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"
#include "cluster/input.hpp"
#include "cluster/wire/messages.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/narrow_paths.hpp"

namespace chisme::node {

// A connection of another node that asks for, or brings, an object. The descriptor is the taker's.
struct TransferConnection {
  int descriptor = -1;
  asio::ip::tcp protocol = asio::ip::tcp::v4();
  StreamKind kind = StreamKind::pull;
};

struct PeerTransportLimits {
  std::size_t accepted_max = 1024;           // connections accepted and open; more are closed
  std::size_t queued_messages_max = 4096;    // per stream; more is PeerUnreachable
  std::size_t queued_bytes_max = 16u << 20;  // per stream
  Duration connect_timeout = std::chrono::seconds{2};
  Duration write_timeout = std::chrono::seconds{5};
  Duration idle_timeout = std::chrono::seconds{60};      // then an unused stream is closed
  Duration accepted_timeout = std::chrono::seconds{90};  // the same, on the accepting side
};

// PeerTransport carries envelopes between nodes: a UDP socket, and TCP connections that are opened
// on demand, two per peer and direction, on the same port. Accepts from loopback addresses only.
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
    Endpoint peer;  // where it listens and takes answers
  };
  struct Callbacks {
    std::function<void(cluster::Channel, cluster::Envelope)> on_envelope;
    std::function<void(Endpoint)> on_unreachable;
    std::function<void(TransferConnection)> on_transfer;
  };

  // `narrow_paths` is used from any thread and outlives the loop.
  PeerTransport(asio::io_context& loop, Self self, NarrowPaths& narrow_paths,
                PeerTransportLimits limits = {});
  ~PeerTransport();
  PeerTransport(PeerTransport const&) = delete;
  PeerTransport& operator=(PeerTransport const&) = delete;

  // Binds both sockets; port 0 takes a free one. Faults: io, with a sentence that names the port.
  [[nodiscard]] Result<void> bind();
  // Where it listens. REQUIRES: `bind` succeeded.
  [[nodiscard]] Endpoint local() const;
  // Begins to receive. REQUIRES: `bind` succeeded.
  void start(Callbacks callbacks);
  // Sends `message`; a datagram that is too long, or an empty endpoint, counts as dropped.
  void send(Endpoint to, cluster::Channel channel, cluster::Message message);
  void stop();

  // Messages refused, on either side, since the start: too long, or not understood. From any
  // thread.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
