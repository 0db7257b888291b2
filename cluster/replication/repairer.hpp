#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::cluster {

// Repairer sees to it that every object that a name refers to has R copies on nodes in reach.
//
// A copy on a member that died is waited for: `repair_delay`, or `last_copy_repair_delay` when one
// copy is left. A copy on a member that left, and one that was never made, is not. Of the live
// holders the first in rendezvous order coordinates (for a write that never had R copies, the
// writer, if it is one), the next ones step in after rank x min(30 s, repair_delay). The
// coordinator asks the best placement node without a copy to fetch; fewest copies first, at most
// `transfers_out_max` at a time; one that fails is tried elsewhere after a growing pause.
//
// Brake: when more than a quarter of the members (and more than one) died within `repair_delay`, or
// less than half are in sight, only last copies are made: more is wrong than a dead node or two.
//
// Copies are only ever added. Objects that no name refers to are left alone, and never removed yet.
//
// All objects are looked at again when membership changes, `slice` of them per tick; otherwise
// those whose holders or names changed, and those whose time has come. Pure; one thread owns it.
class Repairer {
 public:
  static constexpr std::size_t slice = 512;

  Repairer(CoreConfig const& config, Instant now);

  // Takes note of `touched` objects (Catalogue::take_touched).
  void touched(std::set<Digest> digests, Situation const& situation);
  // The members differ from the last call's in state, zone, draining or number.
  void members_changed(Situation const& situation);
  void peer_unreachable(Endpoint endpoint, Situation const& situation);
  void tick(Catalogue const& catalogue, Situation const& situation, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;
  // Objects that wait here for copies, or are being copied.
  [[nodiscard]] std::uint64_t repairs_pending() const { return repairs_.size(); }

 private:
  // What an object needs now.
  struct Need {
    std::vector<NodeId> live;     // holders in reach that stay
    std::vector<NodeId> sources;  // and those that are leaving
    unsigned rank = 0;            // of this node among the coordinators
    std::optional<Instant> due;   // nullopt: nothing to do, or not by this node
  };
  struct Repair {
    bool started = false;
    NodeId target;     // while started
    Instant act_at{};  // waits till then; started: gives up then
    Instant resend_at{};
    unsigned failures = 0;
    std::vector<NodeId> failed_targets;  // the last few
    unsigned copies = 0;
  };

  Need need_of(Digest const& digest, Catalogue::ObjectUse const& use, Catalogue const& catalogue,
               Situation const& situation) const;
  std::optional<Instant> due_of(Need const& need, std::vector<NodeId> const& holders,
                                Situation const& situation) const;
  unsigned rank_of(std::uint64_t key, Need const& need, NodeId writer, bool writer_first,
                   Situation const& situation) const;
  Instant died_at(NodeId holder) const;
  bool is_braked(Situation const& situation) const;
  void examine_some(Catalogue const& catalogue, Situation const& situation, Effects& out);
  void examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation,
               Effects& out);
  void watch_for_loss(Digest const& digest, Need const& need, Situation const& situation,
                      Effects& out);
  void schedule(Digest const& digest, Need const& need, Effects& out);
  void end(Digest const& digest);
  void start_some(Catalogue const& catalogue, Situation const& situation, Effects& out);
  bool start(Digest const& digest, Repair& repair, Catalogue const& catalogue,
             Situation const& situation, Effects& out);
  void check_running(Catalogue const& catalogue, Situation const& situation, Effects& out);
  void fail_running(Digest const& digest, Repair& repair, Instant now, Effects& out);

  CoreConfig config_;
  Instant started_;
  std::map<NodeId, Instant> died_;  // members known to be dead, since when
  std::set<NodeId> left_;
  std::set<Digest> dirty_;             // to be examined
  std::optional<Digest> rescan_from_;  // a rescan of all objects has come this far
  Instant next_slice_{};
  std::map<Digest, Repair> repairs_;
  std::set<Digest> running_;
  std::set<std::pair<Instant, Digest>> waiting_;           // by `act_at`
  std::set<std::tuple<unsigned, Instant, Digest>> ready_;  // fewest copies first
  std::map<Digest, std::optional<Instant>> lost_;  // without live copies: when to say so; or said
};

}  // namespace chisme::cluster
