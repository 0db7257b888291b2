#pragma once

#include <cstddef>
#include <optional>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/replication/outages.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::cluster {

// Rebalancer moves copies of this node to members that have more room.
//
// Placement is a wish: a copy moves only when that brings something, that is from a node outside
// the object's placement to one inside that has no copy, and only if this node's disk is fuller by
// more than `gain_min`. The other node fetches the object; then there is one copy too many, of
// which this node's is the last in rendezvous order, and Trimmer takes it away. So a copy is added
// before one is removed, and what moved never moves back for the same reason.
//
// One copy at a time, in a calm, while nothing is to be repaired and this node is not busy. It
// looks at `slice` of this node's copies a second; at none while nobody has more room, for which it
// looks the less often the more members there are. Pure; one thread owns it.
class Rebalancer {
 public:
  static constexpr std::size_t slice = 64;
  static constexpr Duration pause = std::chrono::seconds{1};
  static constexpr float gain_min = 0.05F;

  Rebalancer(CoreConfig const& config, Instant now);

  // `repairs`: how many there are to be seen to.
  void tick(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
            std::uint64_t repairs, Effects& out);
  // `from` could not fetch what it was asked to.
  void fetch_failed(NodeId from, FetchFailed const& failure, Instant now);
  [[nodiscard]] std::optional<Instant> deadline() const { return next_look_; }

 private:
  struct Move {
    Digest digest;
    NodeId target;
    Instant give_up_at{};
  };

  // It was made and this node's copy is gone, or it took too long.
  [[nodiscard]] bool is_over(Move const& move, Catalogue const& catalogue,
                             Situation const& situation) const;
  void look_for_one(Catalogue const& catalogue, Situation const& situation, Effects& out);
  bool begin(Digest const& digest, Catalogue const& catalogue, Situation const& situation,
             Effects& out);

  Duration trim_patience_;
  Digest next_;  // the first copy to look at
  Instant next_look_;
  std::optional<Move> move_;
};

}  // namespace chisme::cluster
