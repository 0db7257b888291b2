#pragma once

#include <set>
#include <string_view>
#include <utility>

#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// BoundsChecks holds the tables and queues of cores against invariant 10: none exceeds its bound.
// What messages, transfers and versions are bounded by is checked where they are made.
//
// It looks when a core was called, since a look now and then would miss what is full for a moment:
// after each call of cores with small limits, which are full at times, and of the others each
// `every`th time.
class BoundsChecks {
 public:
  explicit BoundsChecks(Surroundings& around) : around_(around) {}

  static constexpr unsigned every = 16;

  void worked(Host const& host);

 private:
  Surroundings& around_;
  unsigned calls_ = 0;  // of cores with the usual limits
  // Told already: each once of a host.
  std::set<std::pair<unsigned, std::string_view>> told_;
};

}  // namespace chisme::simulation
