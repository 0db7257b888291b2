#pragma once

#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// BoundsChecks holds the tables and queues of cores against invariant 10: none exceeds its bound.
// What messages, transfers and versions are bounded by is checked where they are made.
class BoundsChecks {
 public:
  explicit BoundsChecks(Surroundings& around) : around_(around) {}

  void look(std::span<Sight const> sights);

 private:
  Surroundings& around_;
  // Told already: each once of a host.
  std::set<std::pair<unsigned, std::string_view>> told_;
};

}  // namespace chisme::simulation
