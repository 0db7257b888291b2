#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Lookups asks the other members for a name that this node does not have, or has older than a
// client saw (contract C2), or of which it knows no copy in reach.
//
// A name is found as soon as an answer brings a live version newer than what was known, or the
// first copy of it; it is absent only when a majority of the members that are not known to have
// left say so (this node counts), and so do all of those asked that are alive: of a write just
// acknowledged, W nodes know, and a majority may miss them. A node that is out of touch, as one
// that restarted and has not met the peers that it remembers, does not know of whom they would be a
// majority: it says so of nobody. Nor does one that lacks what is before a horizon. Where the node
// had a version already, that one is the answer when nobody has a newer. After a second the
// majority's word is enough; without one the answer is `unavailable`, and so it is where only the
// copies are still unknown: that a file is lost nobody says before all have answered. Clusters of
// more than `ask_all_max` members are asked in part. At most `pending_max` (Limits::lookups) at a
// time; more are busy.
//
// Pure; one thread owns it.
class Lookups {
 public:
  static constexpr std::size_t ask_all_max = 16;
  static constexpr Duration patience = std::chrono::seconds{1};

  Lookups(std::size_t pending_max, Epoch epoch);

  void handle(LookupRequested const& request, Catalogue const& catalogue,
              Situation const& situation, Effects& out);
  // Another node asks.
  void handle(Envelope const& from, LookupName const& question, Catalogue const& catalogue,
              Effects& out) const;
  void handle(NodeId from, LookupAnswer const& answer, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void tick(Catalogue const& catalogue, Situation const& situation, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;
  void add_sizes(TableSizes& out) const {
    out.push_back({"lookups under way", pending_.size(), pending_max_, is_work});
  }

 private:
  struct Pending {
    LookupId id;
    std::string name;
    std::optional<Version> known;  // the newest record when it was asked
    bool was_readable = false;     // there was a copy of it in reach
    std::set<NodeId> asked;
    std::set<NodeId> answered;
    Instant give_up_at{};
  };
  // True when there is an answer, which is appended.
  static bool conclude(Pending const& lookup, Catalogue const& catalogue,
                       Situation const& situation, Effects& out);

  std::size_t pending_max_;
  std::uint64_t next_number_;
  std::map<std::uint64_t, Pending> pending_;
};

}  // namespace chisme::cluster
