#pragma once

#include <cstdint>

#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// What a message's bytes are for. Records that ride along count for what they are; what is left of
// a datagram that carries loads or catalogue records only counts for those.
struct Traffic {
  std::uint64_t membership = 0;    // probes, news, push-pull, farewells
  std::uint64_t loads = 0;         // load records, load probes, the load in an Ack
  std::uint64_t fingerprints = 0;  // gossip that carries the catalogue's fingerprint alone
  std::uint64_t catalogue = 0;     // its records, gossiped
  std::uint64_t files = 0;         // by stream: catalogue exchange, writes, copies, lookups

  Traffic& operator+=(Traffic const& more);
  friend bool operator==(Traffic const&, Traffic const&) = default;
};

// The shares of a frame of `frame_bytes` that holds `message`; their sum is `frame_bytes`.
[[nodiscard]] Traffic shares_of(Message const& message, std::size_t frame_bytes);

}  // namespace chisme::cluster
