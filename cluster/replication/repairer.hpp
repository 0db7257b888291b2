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
#include "cluster/replication/outages.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/replication/survey.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Repairer sees to it that every object that a name refers to has R copies on nodes in reach.
//
// A copy on a member that died is waited for: `repair_delay`, or `last_copy_repair_delay` when one
// copy is left. A copy on a member that left or drains, and one that was never made, is not. Of the
// live holders the first in rendezvous order coordinates (for a write that never had R copies, the
// writer, if it is one), the next ones step in after rank x min(30 s, repair_delay). A node that
// comes back brings its copies with it, and what was queued for them is forgotten.
//
// The coordinator asks the best placement node without a copy to fetch; fewest copies first, at
// most `transfers_out_max` at a time, half as many while this node is busy. It offers itself as the
// only source, so that this holds for what a node sends, too; only after a failure others are
// offered as well. A target that says that it failed is replaced at once, then after growing
// pauses. Under the brake (Outages) only last copies are made.
//
// Copies are only ever added. One entry per object that lacks copies. Pure; one thread owns it.
class Repairer {
 public:
  Repairer(CoreConfig const& config, Instant now);

  // What is known of the object, or of the members, has changed.
  void examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation,
               Outages const& outages, Effects& out);
  void peer_unreachable(Endpoint endpoint, Situation const& situation);
  // `from` could not fetch what it was asked to.
  void fetch_failed(NodeId from, FetchFailed const& failure, Situation const& situation,
                    Effects& out);
  void tick(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
            Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;
  // Objects that lack copies and that this node is to see to, or is seeing to.
  [[nodiscard]] std::uint64_t repairs_pending() const { return pending_; }
  void add_sizes(std::size_t objects, TableSizes& out) const {
    out.push_back({"repairs", repairs_.size(), objects, is_work});
    out.push_back({"repairs that are ready", ready_.size(), repairs_.size(), is_work});
    out.push_back({"repairs under way", running_.size(), config_.transfers_out_max, is_work});
    out.push_back({"objects without a source", lost_.size(), objects});
  }

 private:
  // What an object lacks, and when this node should see to it.
  struct Need {
    std::uint64_t key = 0;        // of its placement
    std::vector<NodeId> holders;  // all that the catalogue knows
    std::vector<NodeId> sources;  // of these, in reach, best coordinator first (if it lacks any)
    unsigned copies = 0;          // of these, not leaving
    unsigned rank = 0;            // of this node among the coordinators
    std::optional<Instant> due;   // nullopt: nothing lacks, or this node cannot help
  };
  struct Repair {
    bool started = false;
    bool counted = false;  // in `pending_`
    NodeId target;         // while started
    Instant since{};       // when the first coordinator should have acted
    Instant act_at{};      // waits till then; started: gives up then
    Instant resend_at{};   // while started
    Instant not_before{};  // pause after a failure
    unsigned copies = 0;
    unsigned failures = 0;
    std::vector<NodeId> failed_targets;
  };
  Need need_of(Digest const& digest, Catalogue::ObjectUse const& use, Catalogue const& catalogue,
               Situation const& situation, Outages const& outages) const;
  std::optional<Instant> due_of(Need const& need, Situation const& situation,
                                Outages const& outages) const;
  void watch_for_loss(Digest const& digest, bool lost, Situation const& situation,
                      Outages const& outages, Effects& out);
  void schedule(Digest const& digest, Need const& need, NodeId target, Situation const& situation,
                Effects& out);
  void wake_waiting(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
                    Effects& out);
  void start_some(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
                  Effects& out);
  bool start(Digest const& digest, Repair& repair, Catalogue const& catalogue,
             Situation const& situation, Outages const& outages, Effects& out);
  void check_running(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
                     Effects& out);
  static void send(Digest const& digest, Repair& repair, ByteCount size,
                   std::vector<NodeId> sources, Situation const& situation, Effects& out);
  void fail(Digest const& digest, Repair& repair, Situation const& situation, Effects& out);
  void look_again(Digest const& digest, Instant at) { waiting_.emplace(at, digest); }
  void take_off_queues(Digest const& digest, Repair const& repair);
  void count(Repair& repair, bool counted);
  void end(Digest const& digest);

  CoreConfig config_;
  Instant started_;
  Instant next_wake_;
  std::map<Digest, Repair> repairs_;
  std::uint64_t pending_ = 0;  // repairs that this node is the first to see to
  std::set<Digest> running_;
  std::set<std::pair<Instant, Digest>> waiting_;           // by when to look at them again
  std::set<std::tuple<unsigned, Instant, Digest>> ready_;  // fewest copies first
  std::map<Digest, std::optional<Instant>> lost_;  // no source: when to say so; nullopt: said
};

}  // namespace chisme::cluster
