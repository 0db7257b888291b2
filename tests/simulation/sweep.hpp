#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/simulation/case.hpp"

namespace chisme::simulation {

// What many runs came to.
struct Summary {
  struct Failure {
    Case the_case;
    Report report;
  };
  std::uint64_t seeds = 0;
  std::uint64_t replayed = 0;  // that were run twice, to compare
  std::vector<Failure> failures;
  double simulated_seconds = 0;
  double node_seconds = 0;  // simulated seconds times nodes
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  Workload::Counts writes;
  Faults::Counts faults{};
};

struct Sweep {
  Case first;  // whose seed is the first
  std::uint64_t seeds = 1;
  unsigned jobs = 1;          // threads
  unsigned replay_every = 0;  // run every so-many-th seed twice; 0: none
};

// Runs the seeds. `ended` is called after each, by one thread at a time.
[[nodiscard]] Summary sweep(Sweep const& what,
                            std::function<void(Case const&, Report const&)> const& ended = {});

}  // namespace chisme::simulation
