#pragma once

#include <map>
#include <optional>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::cluster {

// AntiEntropy brings the catalogues of two nodes together: whoever hears a fingerprint that differs
// from its own sends a CatalogueDigest, and gets the records that it lacks in CatalogueDeltas, one
// message per digest, asking again as long as they come full (Demers et al. 1987).
//
// Asks one peer at most every 500 ms, and all peers together at most every 250 ms (longer in
// clusters of more than 32), whatever is heard, not counting answers; and one peer in turn every
// push-pull period.
//
// Positions can hide a record (a node lost the end of its own log in a power cut). When several
// exchanges have changed nothing and the fingerprints still differ, the digest claims nothing at
// all (an audit), so that everything is compared; whoever is audited audits in turn.
//
// Pure; one thread owns it.
class AntiEntropy {
 public:
  AntiEntropy(NodeId self, Duration push_pull_period, Instant now);

  // A Gossip of `peer` carried this fingerprint.
  void heard(NodeId peer, std::uint64_t fingerprint, Catalogue const& catalogue,
             Situation const& situation, Effects& out);
  void handle(Envelope const& from, CatalogueDigest const& digest, Catalogue const& catalogue,
              Situation const& situation, Effects& out);
  void handle(Envelope const& from, CatalogueDelta const& delta, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void tick(Catalogue const& catalogue, Situation const& situation, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const { return next_turn_; }

 private:
  struct Peer {
    std::optional<Instant> asked;
    std::uint64_t ours = 0;  // the fingerprints when it was last asked
    std::uint64_t theirs = 0;
    unsigned fruitless = 0;  // exchanges that left both as they were
    bool is_empty = true;    // its catalogue, for all that was heard: a node that has just come
    bool met = false;        // it was asked for what this node lost of its own logs
    // What the next digest claims instead of the catalogue's positions: how far the peer's answers
    // have come, while they fill messages or an audit goes on.
    std::optional<LogPositions> cursor;
  };
  void ask(NodeId id, Endpoint to, bool wants_reply, Catalogue const& catalogue, Instant now,
           Effects& out);
  // True when the peer has more to tell.
  static bool follow(Peer& known, CatalogueDelta const& delta, Catalogue const& catalogue);
  Peer& peer(NodeId id);

  NodeId self_;
  Duration period_;
  Instant next_turn_;
  NodeId last_turn_;
  std::optional<Instant> last_asked_;
  std::map<NodeId, Peer> peers_;
};

}  // namespace chisme::cluster
