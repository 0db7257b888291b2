#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "cluster/base/random.hpp"
#include "cluster/base/result.hpp"
#include "cluster/membership/discovery.hpp"
#include "node/security/peer_keys.hpp"

namespace chisme::node {

// PeerDiscovery lets nodes of one cluster find one another on their network: it sends and hears
// announcements by multicast (RFC 1112), to 239.255.67.72, which routers keep inside (RFC 2365),
// and with a time to live of 1, which none of them passes on. Several nodes of a machine share the
// port.
//
// Announcements are sealed as datagrams between nodes are (sealing.hpp), with keys of their own:
// what no node of the cluster made, or was heard before, is dropped without an answer. Who is heard
// and joined: cluster/membership/discovery.hpp. IPv4 only. One loop's thread.
class PeerDiscovery {
 public:
  struct Host {
    PeerKeys const& keys;  // outlives the loop
    // How the cluster looks, and what is to be done about a node that is to be joined.
    std::function<cluster::Discovery::Sight(NodeId)> look;
    std::function<void(cluster::Announcement const&)> found;
  };

  PeerDiscovery(asio::io_context& loop, cluster::Announcement self, Random random, Host host);
  ~PeerDiscovery();
  PeerDiscovery(PeerDiscovery const&) = delete;
  PeerDiscovery& operator=(PeerDiscovery const&) = delete;

  // Joins the group on the network that this node's peer address is of. Fault: io, with a sentence.
  [[nodiscard]] Result<void> open(std::uint16_t port);
  // Begins to announce and to hear. REQUIRES: `open` succeeded, and there are keys.
  void start();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
