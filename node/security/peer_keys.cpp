#include "node/security/peer_keys.hpp"

#include <utility>

namespace chisme::node {

PeerKeys::PeerKeys()
    : connecting_{PskContext::Role::client, [this] { return ring(); }},
      accepting_{PskContext::Role::server, [this] { return ring(); }} {}

PeerKeys::~PeerKeys() = default;

void PeerKeys::replace(KeyRing ring) {
  auto made = std::make_shared<KeyRing const>(std::move(ring));
  std::lock_guard const lock{mutex_};
  ring_ = std::move(made);
}

std::shared_ptr<KeyRing const> PeerKeys::ring() const {
  std::lock_guard const lock{mutex_};
  return ring_;
}

std::shared_ptr<TlsSession> PeerKeys::begin_session(Side side, int descriptor) const {
  if (!ring()) return nullptr;
  return (side == Side::connecting ? connecting_ : accepting_).begin(descriptor);
}

}  // namespace chisme::node
