#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/base/expiry.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/known_peer.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// Bounds on what a message may hold, with `type_bytes_max` (base/expiry.hpp); the codec refuses
// more on both ways.
inline constexpr std::size_t datagram_bytes_max = 1200;
inline constexpr std::size_t stream_message_bytes_max = 1u << 20;
inline constexpr std::size_t name_bytes_max = 1024;
inline constexpr std::size_t zone_bytes_max = 64;
inline constexpr std::size_t members_max = 4096;

// Periods of the protocol for one kind of network (protocol.md, the table of profiles).
struct Profile {
  Duration probe_period;
  Duration probe_timeout;
  Duration gossip_period;
  unsigned gossip_fanout;
  double suspicion_alpha;
  double suspicion_beta;
  unsigned suspicion_confirmations;  // K
  Duration push_pull_period;
  Duration reconnect_period;  // known-dead and persisted peers are called again, for ever
};
[[nodiscard]] Profile loopback_profile();
[[nodiscard]] Profile lan_profile();
[[nodiscard]] Profile wan_profile();

// How much the queues of work for clients and other nodes hold at most: what comes beyond is
// refused, or left for later. Simulations have smaller ones, so that they are full at times.
struct Limits {
  std::size_t writes = 4096;   // WriteCoordinator: under way
  std::size_t commits = 4096;  // WriteParticipant: records that wait for the disk
  std::size_t lookups = 4096;
  std::size_t fetches = 64;             // Fetcher: that wait for their turn
  std::size_t reads = 256;              // Verifier: copies that wait to be read
  std::size_t reads_remembered = 1024;  // Verifier: copies that were found whole
  std::size_t promises = 1024;
  std::size_t trims = 1u << 16;  // Trimmer: copies that wait to go
  std::size_t removals = 64;     // Disposal: at once
};

struct CoreConfig {
  Profile profile;
  unsigned copies_wanted = 3;   // R
  unsigned copies_durable = 2;  // W; a node that never had peers runs with R = W = 1
  Duration repair_delay = std::chrono::minutes{10};            // two or more live copies left
  Duration last_copy_repair_delay = std::chrono::seconds{30};  // one live copy left
  Duration write_timeout = std::chrono::seconds{10};
  unsigned transfers_in_max = 2;
  unsigned transfers_out_max = 2;
  Limits limits{};
  // A copy beyond R, and the membership around it, must have been stable for so long before it
  // goes.
  Duration surplus_kept = std::chrono::minutes{1};
  // Who says that its copy is whole keeps it for so long; a sixth of it is how long that counts.
  Duration copy_promise = std::chrono::minutes{1};
  // Objects that no name refers to (contract C3), and the same when the disk is nearly full.
  Duration unreferenced_kept = std::chrono::hours{24};
  Duration unreferenced_kept_when_full = std::chrono::minutes{10};
  // Of what only names that begin so referred to nobody asks for again: it goes after this time,
  // which a reader that is about to open it, or a write that found the same bytes here, may need.
  std::optional<std::string> scratch_prefix;  // none: there are no such names
  Duration scratch_kept = std::chrono::seconds{10};
  Duration scrub_period = std::chrono::hours{24 * 25};  // every copy is read once in it, + jitter
  // Removals are remembered for so long at least, by the clock of one run of a node.
  Duration tombstones_kept = std::chrono::hours{24 * 7};
  std::vector<Endpoint> seeds;  // peers to join, called again for ever
  // There are other peers to join, whose addresses the host finds out (PeerFound): until one of
  // them is met this node is out of touch, as with seeds that do not answer, and no cluster of its
  // own.
  bool expects_peers = false;
  Duration departure_patience = std::chrono::minutes{10};  // without progress, then it goes
  std::vector<KnownPeer> remembered;            // peers of the last run: called, and missed
  ProtocolVersions versions = spoken_versions;  // narrower: to play an older or a newer node
};

// Who this process is: read from its data directory and its command line.
struct Self {
  NodeId id;
  Epoch epoch;
  std::uint64_t run_nonce = 0;
  Endpoint peer;
  Endpoint http;
  std::string zone;
  std::uint32_t weight = 1;
};

}  // namespace chisme::cluster
