#include "node/security/key_ring.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"

namespace chisme::node {

KeyRing::KeyRing(std::span<Secret const> secrets) {
  CHECK(!secrets.empty() && secrets.size() <= secrets_max);
  for (Secret const& secret : secrets) {
    KeyId const id = key_id_of(secret);
    entries_.push_back({.id = id,
                        .secret = secret,
                        .stream_identity = "chisme-" + std::to_string(id),
                        .stream_key = derive_key(secret, "chisme streams"),
                        .token_key = derive_key(secret, "chisme client tokens"),
                        .link_key = derive_key(secret, "chisme share links"),
                        .ticket_key = derive_key(secret, "chisme redirect tickets")});
  }
}

KeyRing::Entry const* KeyRing::find(KeyId id) const {
  auto const at = std::ranges::find(entries_, id, &Entry::id);
  return at == entries_.end() ? nullptr : &*at;
}

KeyRing::Entry const* KeyRing::find_stream(std::string_view identity) const {
  auto const at = std::ranges::find(entries_, identity, &Entry::stream_identity);
  return at == entries_.end() ? nullptr : &*at;
}

}  // namespace chisme::node
