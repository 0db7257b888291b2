#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// One node that could serve a request, as the redirecting node knows it.
struct Candidate {
  NodeId node;
  double capacity = 1;      // w
  double in_flight = 0;     // x: gossiped n + own redirects since that sample
  double arrival_rate = 0;  // lambda, per second
  Duration age{};           // of the sample; zero for this node itself
  bool self = false;
};

struct Ranked {
  NodeId node;
  double load = 0;  // (in_flight + 1) / capacity; smaller is better
};

// Which of `holders` may take redirects: alive, not draining, health < 4, not ejected. When no
// holder is, those that are merely suspect or unwell are taken. `own_redirects(node)` is how many
// requests this node sent there since the load sample it uses. `now` >= view.at.
[[nodiscard]] std::vector<Candidate> candidates(ClusterView const& view,
                                                std::span<NodeId const> holders, Instant now,
                                                std::span<std::uint32_t const> own_redirects);

// Chooses by water-filling (Dahlin, "Interpreting stale load information", 1999): the expected
// arrivals since the samples are poured over the candidates, and a node is drawn in proportion to
// what it took. nullopt when there are no candidates.
[[nodiscard]] std::optional<NodeId> choose(std::span<Candidate const> candidates, Random& random);

// The candidates by load, best first: what `/route` answers and `Link: pri=` counts.
[[nodiscard]] std::vector<Ranked> rank(std::span<Candidate const> candidates);

// Whether this node, the target of a redirect (not itself a bounce), should send it on once more.
[[nodiscard]] std::optional<NodeId> bounce(std::span<Candidate const> candidates);

}  // namespace chisme::cluster
