#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/client_limits.hpp"
#include "node/log_settings.hpp"
#include "web/credentials.hpp"

namespace chisme::node {

// For which kind of network the protocol's periods are chosen (protocol.md).
enum class Network { loopback, lan, wan };

// A host that has a peer port, by a name whose addresses may change.
struct PeerName {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(PeerName const&, PeerName const&) = default;
};

// What the files whose names begin with `prefix` may have together (prefix_quotas.hpp).
struct PrefixQuota {
  static constexpr std::size_t quotas_max = 64;
  std::string prefix;
  ByteCount limit;
  friend bool operator==(PrefixQuota const&, PrefixQuota const&) = default;
};

// NodeConfig is all that a node is told from outside: flags, environment and the configuration
// file, already merged. The defaults are those of `chisme node` without flags.
struct NodeConfig {
  Endpoint http = loopback_endpoint(7701);  // clients connect here
  Endpoint peer = loopback_endpoint(8701);  // other nodes, UDP and TCP
  // Told to clients and peers instead of `http`; its address instead of that of `peer`, too.
  std::optional<Endpoint> advertise_http;
  std::filesystem::path data = "chisme-data";        // made when it does not exist
  std::vector<Endpoint> join;                        // peer endpoints of other nodes
  std::vector<PeerName> join_names;                  // the same, by name (peer/peer_names.hpp)
  std::vector<std::string> hosts;                    // names that clients call this machine by
  std::optional<std::filesystem::path> secret_file;  // the cluster's secrets (security/secret.hpp)
  bool discover = false;  // find nodes of the same secret on this network, and be found
  std::uint16_t discover_port = 7700;  // UDP, the same on all of them
  // For TLS with clients (security/server_tls.hpp): both or neither.
  std::optional<std::filesystem::path> tls_certificate;
  std::optional<std::filesystem::path> tls_key;
  bool insecure_lan = false;  // clients may come from other machines, unencrypted and unasked
  // Whom it asks for a token (web/gate.hpp); nullopt: see `access_of`.
  std::optional<web::AccessMode> access;
  std::vector<std::string> cors_origins;             // other sites whose pages may use it
  std::string zone;                                  // copies spread over zones
  std::uint32_t weight = 1;                          // relative share of copies and requests, > 0
  unsigned copies_wanted = 3;                        // R
  unsigned copies_durable = 2;                       // W <= R
  Duration repair_delay = std::chrono::minutes{10};  // two or more live copies left
  Duration last_copy_repair_delay = std::chrono::seconds{30};  // one live copy left
  Network network = Network::loopback;
  ByteCount max_file_size{std::uint64_t{1} << 40};
  std::optional<ByteCount> quota;  // of objects, uploads and quarantine together; none: the disk
  std::vector<PrefixQuota> prefix_quotas;          // the same on all nodes
  Duration keep_removed = std::chrono::hours{24};  // objects that no name refers to any more
  Duration trash{};  // how long removed files can be restored; 0: not at all
  Duration keep_uploads = std::chrono::hours{24};       // resumable ones that nobody goes on with
  Duration keep_surplus = std::chrono::minutes{1};      // copies beyond R; the same on all nodes
  Duration scrub_period = std::chrono::hours{24 * 25};  // every copy is read once in it
  ByteCount scrub_rate{32u << 20};   // bytes a second read to find copies that rotted
  unsigned web_loops = 0;            // threads that serve clients; 0: as many as cores
  unsigned disk_threads = 4;         // threads that block on the disk
  ClientLimits clients;              // what clients may take of this node
  std::optional<int> parent_socket;  // descriptor that `chisme up` left to ask it (parent_link.hpp)
  std::optional<std::filesystem::path> config_file;  // from which some of this comes
  std::optional<std::string> user;                   // "NAME[:GROUP]" that root becomes
  bool unconfined = false;  // it may open all files that its user may (security/confinement.hpp)
  LogSettings log;
  Duration stop_timeout = std::chrono::seconds{10};  // what is under way gets so long to end
  friend bool operator==(NodeConfig const&, NodeConfig const&) = default;

  // 127.0.0.1 with this port.
  [[nodiscard]] static Endpoint loopback_endpoint(std::uint16_t port) {
    Endpoint endpoint;
    endpoint.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    endpoint.port = port;
    return endpoint;
  }
};

// What was said; else open where all who come are friends by what was said (this machine,
// `insecure_lan`), and token elsewhere.
[[nodiscard]] web::AccessMode access_of(NodeConfig const& config);

// As the web loops take it.
[[nodiscard]] inline std::chrono::milliseconds trash_of(NodeConfig const& config) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(config.trash);
}

// The rules between several settings. Fault: invalid, with a sentence that says what to do.
[[nodiscard]] Result<void> check(NodeConfig const& config);

}  // namespace chisme::node
