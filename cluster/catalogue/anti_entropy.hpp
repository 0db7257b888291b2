#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cluster/base/id_map.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "cluster/catalogue/horizon.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// AntiEntropy brings the catalogues of two nodes together: whoever hears a fingerprint that differs
// from its own sends a CatalogueDigest, and gets the records that it lacks in CatalogueDeltas, one
// message per digest, asking again as long as they come full (Demers et al. 1987).
//
// Asks one peer at most every 500 ms, and all peers together at most every 250 ms (longer in
// clusters of more than 32), whatever is heard, not counting answers; and one peer in turn every
// push-pull period. A stream that stands still for a while brings all digests at once, and each
// would be answered with the same records: so one that says nothing, or nothing new, is asked less
// and less often (to 4 s), and one that was told all that it lacked, or so much that it has not
// merged yet, is told nothing in the next 250 ms.
//
// An answer names the run of the asker. One that waited in a queue while the asker started again
// says what to add to positions that it may have lost: then it counts as records that come by.
//
// Positions can hide a record (a node lost the end of its own log in a power cut). So where they
// agree and fingerprints do not, and also where fingerprints have not agreed for `patience`, be it
// because somebody writes all the time, the two compare by range sync (range_sync.hpp).
// A peer that speaks version 1 has no range sync: then, and when several exchanges have changed
// nothing, the digest claims nothing at all (an audit), so that everything is compared; whoever is
// audited so audits in turn.
// Such a search that found nothing doubles the pause before the next with that peer, up to
// `search_pause_max`: a peer that speaks version 1 keeps tombstones that the others have forgotten.
//
// Nodes whose horizons differ exchange these first, and merge nothing from each other until then.
// Who does not have everything up to this node's floors is answered with them instead of a delta: a
// delta would let it claim to have what was collected, and keep what that had superseded.
//
// Pure; one thread owns it. Remembers at most `members_max` peers.
class AntiEntropy {
 public:
  static constexpr Duration patience = std::chrono::seconds{5};
  static constexpr Duration search_pause_min = std::chrono::milliseconds{500};
  static constexpr Duration search_pause_max = std::chrono::minutes{1};
  static constexpr std::size_t farewells_max = 16;

  AntiEntropy(NodeId self, Duration push_pull_period, Duration tombstones_kept, Instant now);

  // A Gossip of `peer` carried this fingerprint.
  void heard(NodeId peer, std::uint64_t fingerprint, Catalogue const& catalogue,
             Situation const& situation, Effects& out);
  void handle(Envelope const& from, CatalogueDigest const& digest, Catalogue const& catalogue,
              Situation const& situation, Effects& out);
  void handle(Envelope const& from, CatalogueDelta const& delta, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void handle(Envelope const& from, CatalogueAnswer const& answer, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void handle(Envelope const& from, HorizonNotice const& notice, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void handle(Envelope const& from, RangeSync const& message, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  // This node leaves: `farewells_max` members hear how far its logs go, each time that they have
  // moved, or nobody would know that what comes back with it one day is old.
  void say_farewell(Catalogue const& catalogue, Situation const& situation, Effects& out);
  // A peer remembers members that this node may not know of.
  void heard_of_missed_peers() { keeper_.restart(); }
  // `braked`: too much is wrong in the cluster to forget anything.
  void tick(Catalogue& catalogue, Situation const& situation, bool braked, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const { return next_turn_; }
  void add_sizes(TableSizes& out) const {
    out.push_back({"peers of anti-entropy", peers_.size(), members_max});
    keeper_.add_sizes(out);
  }

 private:
  struct Peer {
    std::optional<Instant> asked;
    unsigned unanswered = 0;      // how often since it last said anything about its catalogue
    std::optional<Instant> told;  // when it was last sent records that it lacked
    std::optional<LogPosition> told_to;  // the last of them, when there were more
    std::uint64_t theirs = 0;            // its fingerprint, as last heard
    std::uint64_t ours = 0;              // the fingerprints when it was last asked
    std::uint64_t theirs_when_asked = 0;
    bool met = false;        // it has told what this node lost of its own logs
    HorizonId horizon;       // as last told
    bool just_told = false;  // its horizon came right before what comes now
    // What the next digest claims instead of the catalogue's positions: how far the peer's answers
    // have come, while they fill messages or an audit goes on.
    std::optional<LogPositions> cursor;
    std::optional<Instant> differs_since;
    unsigned fruitless = 0;  // exchanges that left both as they were
    // What positions hide is searched for by range sync, or by an audit of a peer that has none:
    // ever less often, as long as nothing is found.
    Instant next_search{};
    Duration search_pause = search_pause_min;
    bool range_opened = false;  // by this node, and not over yet
    bool is_empty = true;       // its catalogue, for all that was heard: a node that has just come
  };
  void heard_difference(NodeId id, Peer& known, std::uint64_t fingerprint,
                        Catalogue const& catalogue, Situation const& situation, Effects& out);
  void ask(NodeId id, Endpoint to, bool wants_reply, Catalogue const& catalogue,
           Situation const& situation, Effects& out);
  void compare_ranges(Peer& known, Endpoint to, Catalogue const& catalogue, Instant now,
                      Effects& out);
  void adopt(Horizon const& horizon, Catalogue& catalogue, Situation const& situation,
             Effects& out);
  static bool is_as_asked(Peer const& known, Catalogue const& catalogue);
  static void put_off_search(Peer& known, Instant now);
  static Catalogue::Source source(Peer const& known, Catalogue const& catalogue);
  // True when the peer has more to tell.
  static bool follow(Peer& known, CatalogueDelta const& delta, Catalogue const& catalogue);
  Peer& peer(NodeId id);

  NodeId self_;
  Duration period_;
  HorizonKeeper keeper_;
  Instant next_turn_;
  NodeId last_turn_;
  std::optional<std::vector<LogPosition>> farewell_;  // what it said last of its own logs
  std::optional<Instant> last_asked_;
  std::uint16_t next_slot_ = 0;  // where the next range sync begins
  IdMap<std::unique_ptr<Peer>> peers_;
};

}  // namespace chisme::cluster
