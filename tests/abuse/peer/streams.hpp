#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cluster/base/identity.hpp"
#include "node/peer/framing.hpp"
#include "node/security/key_ring.hpp"
#include "node/security/peer_keys.hpp"

namespace chisme::abuse {

// Stream is a connection to a node's peer port of somebody who knows the secret, on which it then
// says what it likes. Blocking; every wait ends after seconds.
class Stream {
 public:
  Stream(node::KeyRing const& ring, Endpoint to);
  ~Stream();
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;

  // Whether both sides proved that they know the secret.
  [[nodiscard]] bool is_secured() const { return secured_; }
  // False when the node has ended the connection.
  bool write(std::string_view bytes);
  // What the node says until it ends the connection, or is silent for so long.
  [[nodiscard]] std::string read_all(int silence_ms);
  // Whether the node has ended it by then.
  [[nodiscard]] bool ends_within(int milliseconds);

 private:
  node::PeerKeys keys_;
  int socket_;
  std::shared_ptr<node::TlsSession> session_;
  bool secured_ = false;
  bool ended_ = false;
};

[[nodiscard]] std::string hello_text(node::StreamKind kind, NodeId sender);
// A control frame around `content`; `length` is what its head says.
[[nodiscard]] std::string frame_text(std::string_view content, std::uint32_t length);

}  // namespace chisme::abuse
