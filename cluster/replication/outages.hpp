#pragma once

#include <map>
#include <optional>
#include <set>

#include "cluster/config.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Outages remembers since when members have been missing, and tells how much is wrong.
//
// Brake: when more than a quarter of the members (and more than one) died within `repair_delay`, or
// less than half are in sight, more is wrong than a dead node or two: only last copies are made,
// and nothing is removed.
//
// Calm: for `surplus_kept` nobody was suspected, nobody dead was still waited for, the brake was
// off and this node did not sleep; and it has run for `copy_promise`, so that whatever it promised
// before it started is over (its clock may have run 1 % fast: see `Trimmer`). Copies are removed
// only in a calm.
//
// At most `members_max` members. Pure; one thread owns it.
class Outages {
 public:
  struct Brake {
    bool on = false;
    std::optional<Instant> until;  // nullopt: until membership changes
  };

  Outages(CoreConfig const& config, Instant now);

  // A member came, went, was suspected or cleared.
  void members_changed(Situation const& situation);
  // Time has passed: to be called before anything below is asked.
  void tick(Situation const& situation);
  [[nodiscard]] std::optional<Instant> deadline() const;

  [[nodiscard]] Brake const& brake() const { return brake_; }
  [[nodiscard]] bool is_braked() const { return brake_.on; }
  // This node sees so few others that it cannot tell what they have.
  [[nodiscard]] bool is_blind() const { return brake_.on && !brake_.until; }
  [[nodiscard]] bool is_calm(Instant now) const;
  // Of a member that is not in reach: since when. One that was never seen counts from the start.
  [[nodiscard]] Instant missing_since(NodeId id) const;
  [[nodiscard]] bool has_left(NodeId id) const { return left_.contains(id); }
  void add_sizes(std::size_t members, TableSizes& out) const {
    out.push_back({"members that died", died_.size(), members});
    out.push_back({"members that left", left_.size(), members});
  }

 private:
  [[nodiscard]] Brake brake_of(Situation const& situation) const;
  [[nodiscard]] bool is_restless() const;
  [[nodiscard]] Duration nap_max() const { return calm_delay_ / 4; }
  void judge(Situation const& situation);

  Duration repair_delay_;
  Duration calm_delay_;
  Duration promise_;
  Instant started_;
  Instant last_seen_;
  std::map<NodeId, Instant> died_;  // members known to be dead, since when
  std::set<NodeId> left_;
  Brake brake_;
  bool any_suspect_ = false;
  std::optional<Instant> calm_since_;
  // At the start, for a node that meets nobody has no members that change; then when a death
  // becomes too old to matter.
  std::optional<Instant> next_judgement_;
};

}  // namespace chisme::cluster
