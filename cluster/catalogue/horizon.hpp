#pragma once

#include <optional>
#include <set>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// HorizonKeeper decides when tombstones may be collected, and proposes it as a new horizon.
//
// Now and then it marks how far this node has each log. A mark that is `kept` old and that every
// member has passed is a horizon: what it covers is old, for this node had it then, and everybody
// has it. Ages are measured by the clock of this process alone, so that no wall clock can make a
// tombstone look old; a restart begins a new mark. That a member has passed is seen from the
// positions in its digests, which come at least once in a round of push-pulls. Members that are
// dead count until they are forgotten; those that left do not: how far their logs go they say when
// they leave (AntiEntropy::say_farewell), and as long as members differ about that no mark holds. A
// horizon that does not speak of what has been superseded would not refuse it when it comes back.
//
// Nothing is proposed while the brake is on, while this node is filling, or while it is not in
// touch: one that has just started and met nobody yet knows of no members that it had to wait for,
// and its horizon would have all others take its old records for current. Nor is anything while a
// member speaks version 1, which has no horizons, not even one that left: it may come back with
// what it cannot be told to forget.
// As a member counts, too, a peer that it remembers from its last run and has not met in this one:
// it may be one that speaks version 1, with which those that adopt the horizon could not agree. And
// since a new node knows of such peers from nobody, who misses some says so before each digest
// (PeersMissed), which makes the mark void: without it a new node that has met one half of a
// cluster that started again in two halves would propose a horizon that the other half has not
// passed, and which would have it forget what it has written since.
//
// The horizon is a register of which the greatest value wins: each node that hears of a later one
// collects what it covers (Catalogue::adopt), so fingerprints agree again as soon as it has spread.
// So that not all propose at once, each waits for those of lower id a little longer. In one step
// with it go the holdings of nodes that are members no more.
//
// Pure; one thread owns it. A mark has at most Catalogue::positions_max entries, twice.
class HorizonKeeper {
 public:
  // So many logs of writers that are members no more a horizon goes on speaking of.
  static constexpr std::size_t gone_logs_max = 128;

  explicit HorizonKeeper(Duration kept) : kept_(kept) {}

  // A digest of `peer` claimed these positions.
  void heard(NodeId peer, std::vector<LogPosition> const& positions, Situation const& situation);
  // The next horizon, if it is time. The caller adopts it.
  [[nodiscard]] std::optional<Horizon> tick(Catalogue const& catalogue, Situation const& situation,
                                            bool braked);
  // The catalogue has another horizon now, by which the next is measured, or there are members that
  // this node does not know of: what was marked is void.
  void restart() { mark_.reset(); }
  void add_sizes(TableSizes& out) const {
    if (!mark_) return;
    out.push_back({"positions of a mark", mark_->positions.size(), Catalogue::positions_max});
    out.push_back({"members that passed a mark", mark_->passed.size(), members_max});
  }

 private:
  struct Mark {
    Instant taken{};
    std::vector<LogPosition> positions;
    LogPositions known;       // with those that were left out
    std::set<NodeId> passed;  // members, looked at once it is old enough
  };
  [[nodiscard]] bool may_propose(Situation const& situation) const;
  [[nodiscard]] bool tells_of_gone(std::vector<LogPosition> const& positions,
                                   Situation const& situation) const;

  Duration kept_;
  std::optional<Mark> mark_;
};

}  // namespace chisme::cluster
