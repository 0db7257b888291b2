#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/load/redirect_tally.hpp"
#include "cluster/view.hpp"

// Which holder should serve a request. Pure functions of a view: any thread may call them.
namespace chisme::cluster {

// Who calls itself that unwell (LoadRecord::health) takes redirects only when no other can.
inline constexpr std::uint8_t unwell_health = 4;

// One node that could serve a request, as the redirecting node knows it.
struct Candidate {
  NodeId node;
  double capacity = 1;   // w: measured, weighed against the others, less while it is new or fails
  double in_flight = 0;  // x: gossiped n + own redirects since that sample
  double arrival_rate = 0;  // lambda, per second
  Duration age{};           // of the sample; zero for this node itself
  double full_at = 0;       // self only: requests it can serve at their full rate; 0: unknown
  bool self = false;        // its caller may overwrite `in_flight` by what it counts itself
};

struct Ranked {
  NodeId node;
  double load = 0;  // (in_flight + 1) / capacity; smaller is better
};

// Which of `holders` may take redirects: alive, not draining, health < 4, not ejected (of the
// holders that are otherwise fit, at most half are left out for being ejected). When no holder is,
// those that are merely suspect, unwell or ejected are taken; at last those that drain. Never one
// that is dead, has left or is unknown. `now` >= view.at.
[[nodiscard]] std::vector<Candidate> candidates(ClusterView const& view,
                                                std::span<NodeId const> holders, Instant now,
                                                RedirectTally const& redirects);

// Chooses by water-filling (Dahlin, "Interpreting stale load information", 1999): the requests
// expected since the samples were taken are poured over the candidates, each where it raises the
// load to the least, and a node is drawn in proportion to what it took; with a probability of 2 %,
// any of them. With fresh samples this is the least loaded. An old sample counts four standard
// deviations of what may have come since against its node: that keeps small nodes from being
// overrun (docs/balancing.md). nullopt when there are no candidates. O(n log n) for n of them.
[[nodiscard]] std::optional<NodeId> choose(std::span<Candidate const> candidates, Random& random);

// The candidates by load, best first, equal ones in random order: what `/route` answers and
// `Link: pri=` counts.
[[nodiscard]] std::vector<Ranked> rank(std::span<Candidate const> candidates, Random& random);

// Whether this node, the target of a redirect (not itself a bounce), should send it on once more:
// to the best other, if this node is full and that is better; or, while this node does not know
// when it is full, if that is clearly better. nullopt: serve it here.
[[nodiscard]] std::optional<NodeId> bounce(std::span<Candidate const> candidates);

}  // namespace chisme::cluster
