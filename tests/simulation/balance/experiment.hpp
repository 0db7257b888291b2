#pragma once

#include <vector>

#include "tests/simulation/balance/measures.hpp"
#include "tests/simulation/balance/setting.hpp"

namespace chisme::simulation::balance {

struct Cell {
  Setting setting;
  Outcome outcome;
};

// Runs one setting. The same setting gives the same outcome.
[[nodiscard]] Outcome measure(Setting const& setting);

struct Scope {
  double minutes = 10;  // measured, per cell
  std::uint64_t seed = 1;
  bool quick = false;  // only clusters of 20 nodes with samples one second old
};
// All cells in the order of the tables: by nodes, shape, age, policy.
[[nodiscard]] std::vector<Setting> settings(Scope const& scope);

// What protocol.md promises of our policy, for 20 nodes and samples one second old.
struct Goal {
  char const* what;
  Shape shape;
  double Outcome::* measured;
  double at_most;
};
[[nodiscard]] std::vector<Goal> goals();
// nullptr: there is no such cell. Points into `cells`.
[[nodiscard]] Outcome const* find(std::vector<Cell> const& cells, std::size_t nodes, Shape shape,
                                  double sample_age, Policy policy);

}  // namespace chisme::simulation::balance
