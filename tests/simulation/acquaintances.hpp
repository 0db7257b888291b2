#pragma once

#include <numeric>
#include <tuple>
#include <vector>

#include "cluster/base/time.hpp"

namespace chisme::simulation {

// Acquaintances tells which machines can know of each other: those between which a message has come
// through, directly or by way of others, once. What those do that never met nobody can foresee.
class Acquaintances {
 public:
  void add() { parents_.push_back(static_cast<unsigned>(parents_.size())); }

  // A message came from one to the other. Amortized almost constant.
  void meet(unsigned a, unsigned b, Instant now) {
    unsigned const first = top(parents_, a);
    unsigned const second = top(parents_, b);
    if (first == second) return;
    parents_[second] = first;
    meetings_.emplace_back(now, first, second);
  }

  // They can have known of each other at `moment`.
  [[nodiscard]] bool had_met(unsigned a, unsigned b, Instant moment) const {
    std::vector<unsigned> parents(parents_.size());
    std::iota(parents.begin(), parents.end(), 0u);
    for (auto const& [when, first, second] : meetings_) {
      if (when > moment) break;
      parents[top(parents, second)] = top(parents, first);
    }
    return top(parents, a) == top(parents, b);
  }

 private:
  static unsigned top(std::vector<unsigned>& parents, unsigned at) {
    while (parents[at] != at) at = parents[at] = parents[parents[at]];
    return at;
  }

  std::vector<unsigned> parents_;
  std::vector<std::tuple<Instant, unsigned, unsigned>> meetings_;  // at most one for each machine
};

}  // namespace chisme::simulation
