#pragma once

#include <memory>
#include <mutex>

#include "node/security/key_ring.hpp"
#include "node/security/tls_session.hpp"

namespace chisme::node {

// PeerKeys is what a node knows of the cluster's secrets, for its datagrams and its streams to
// other nodes. Without secrets all of them are plain, and go over loopback addresses only.
//
// Any thread. Outlives what was made with it.
class PeerKeys {
 public:
  // None, until `replace`.
  PeerKeys();
  ~PeerKeys();
  PeerKeys(PeerKeys const&) = delete;
  PeerKeys& operator=(PeerKeys const&) = delete;

  // From now on. What is open goes on with the key that it began with. REQUIRES: nothing has been
  // sent without keys before.
  void replace(KeyRing ring);

  // nullptr: no secrets.
  [[nodiscard]] std::shared_ptr<KeyRing const> ring() const;

  enum class Side { connecting, accepting };
  // A session over the socket, which must not be closed before its last use; nullptr: no secrets.
  [[nodiscard]] std::shared_ptr<TlsSession> begin_session(Side side, int descriptor) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<KeyRing const> ring_;
  PskContext connecting_;
  PskContext accepting_;
};

}  // namespace chisme::node
