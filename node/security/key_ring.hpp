#pragma once

#include <span>
#include <string>
#include <vector>

#include "node/security/keys.hpp"

namespace chisme::node {

// KeyRing is the secrets that a node has, ready for use: it makes things with the primary one and
// accepts what was made with any of them. Immutable.
class KeyRing {
 public:
  struct Entry {
    KeyId id = 0;
    Secret secret;
    std::string stream_identity;  // what a TLS client says of the key that it has
    Key stream_key{};             // the pre-shared key between nodes (RFC 8446, 4.2.11)
    Key token_key{};              // signs clients' tokens (access_token.hpp)
    Key link_key{};               // … share links
    Key ticket_key{};             // … tickets of redirects
  };

  // REQUIRES: one to `secrets_max` secrets; the first is the primary one.
  explicit KeyRing(std::span<Secret const> secrets);

  [[nodiscard]] Entry const& primary() const { return entries_.front(); }
  // nullptr: there is none such. Lives as long as this.
  [[nodiscard]] Entry const* find(KeyId id) const;
  [[nodiscard]] Entry const* find_stream(std::string_view identity) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace chisme::node
