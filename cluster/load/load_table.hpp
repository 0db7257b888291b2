#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cluster/base/id_map.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/input.hpp"
#include "cluster/load/capacity.hpp"
#include "cluster/sizes.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// LoadTable keeps the newest load sample of every node, its own included, and counts failures to
// reach each.
//
// Newer means a higher (epoch, sequence); only the measuring node numbers its samples. A sample's
// age when sent on is its age when received plus the time it stayed here, so no clocks need agree.
// Merging is idempotent, commutative and associative (a maximum).
//
// Bounded by `members_max` nodes: a sample of one more is ignored. One thread owns it; never
// throws.
class LoadTable {
 public:
  struct Entry {
    LoadRecord record;   // its age is that at `received`
    Instant received{};  // when this node got it
  };
  // This many failures in a row eject a node for `ejection` times how often it was ejected.
  static constexpr unsigned failures_max = 5;
  static constexpr Duration ejection = std::chrono::seconds{30};

  LoadTable(NodeId self, Epoch epoch, Instant now);

  // Takes what the host measured of this node as its newest sample.
  void measure(LoadSampled const& sampled, std::uint8_t health, Instant now);
  // That sample once more, as another one, with this health.
  void set_health(std::uint8_t health);
  // This node's own newest sample, aged until `now`; zeros before the first.
  [[nodiscard]] LoadRecord own(Instant now) const;
  // How many requests this node can serve at the rate that their clients take; 0: unknown yet.
  [[nodiscard]] double full_at() const { return capacity_.full_at(); }

  // Newer than what is known of its node. What claims to be this node's own sample never is.
  [[nodiscard]] bool is_news(LoadRecord const& record) const;
  // Takes a sample heard from somebody. True if it was news, and so worth passing on.
  bool merge(LoadRecord const& record, Instant now);
  // nullptr when there is none. Valid until the next change.
  [[nodiscard]] Entry const* find(NodeId node) const;

  // By what a node was reached, or not: each is counted for itself.
  enum class Contact : std::uint8_t { message, relay };
  // A stream to `node` failed, or brought something.
  void failed(NodeId node, Instant now, Contact contact = Contact::message);
  void succeeded(NodeId node, Contact contact = Contact::message);
  [[nodiscard]] bool is_ejected(NodeId node, Instant now) const;
  // How many nodes are ejected now. Amortised logarithmic: those whose time is over are forgotten.
  std::size_t ejected_count(Instant now);
  // When the next ejection ends, if nothing else happens; nullopt when nobody is ejected.
  [[nodiscard]] std::optional<Instant> ejections_change_at() const;
  // Its failures are explained: it was dead, or restarted. It returns with a clean sheet.
  void pardon(NodeId node);

  // The node is no member any more.
  void forget(NodeId node);
  void add_sizes(std::size_t members, TableSizes& out) const {
    out.push_back({"loads", others_.size() + 1, members});
    out.push_back({"members that were not reached", failures_.size(), members});
    out.push_back({"ejections", ejections_.size(), failures_.size()});
  }

 private:
  struct Failures {
    std::array<unsigned, 2> in_row{};  // of each Contact
    unsigned ejections = 0;
    Instant ejected_until{};
  };
  NodeId self_;
  CapacityEstimate capacity_;
  Entry own_;
  IdMap<Entry> others_;
  std::map<NodeId, Failures> failures_;
  std::set<std::pair<Instant, NodeId>> ejections_;  // by their ends; some may be over
};

}  // namespace chisme::cluster
