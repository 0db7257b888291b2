#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "cluster/base/time.hpp"
#include "cluster/known_peer.hpp"
#include "cluster/sizes.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// PeerMemory knows who was in the cluster before this node has met anybody: the members of its last
// run or, for one that remembers nobody, being new or having lost its disk, the addresses that it
// was configured with. Each is missed until it is met, or for as long as a dead member would be: a
// node must not take those it has met for all there are.
//
// Members are told apart by their identity, wherever they come back. If somebody who is not
// remembered lives at a member's address, that member has lost its disk and identity. Of those of
// whom only the address is known, who moved cannot be told from who is new: no more of them are
// missed than there are fewer members than such addresses.
//
// Pure; one thread owns it. Bounds: what it was given.
class PeerMemory {
 public:
  // `self` and `own` are this node's, and are not missed.
  PeerMemory(NodeId self, Endpoint own, std::vector<Endpoint> const& configured,
             std::vector<KnownPeer> const& remembered, Instant now);

  // A member was learned of, in whatever state.
  void met(AliveRecord const& member);
  // The time has passed after which nobody is missed.
  void tick(Instant now);
  // How many are missed when so many other members are known.
  [[nodiscard]] std::size_t missed(std::size_t known) const;
  // Who they are, to be remembered on.
  [[nodiscard]] std::vector<KnownPeer> unmet(std::size_t known) const;
  void add_sizes(TableSizes& out) const;

 private:
  [[nodiscard]] std::size_t missed_places(std::size_t known) const;

  std::set<NodeId> remembered_;
  std::map<NodeId, Endpoint> people_;  // of those remembered, who was not met
  std::set<Endpoint> places_;          // where nobody was met, and nobody knows who lived there
  std::size_t places_given_ = 0;
  Instant until_;
};

}  // namespace chisme::cluster
