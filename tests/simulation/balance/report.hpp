#pragma once

#include <string>
#include <vector>

#include "tests/simulation/balance/experiment.hpp"

namespace chisme::simulation::balance {

// The cells as Markdown tables: every figure for 20 nodes with samples one second old, then the
// goals, then (if there are others) the two main figures of all.
[[nodiscard]] std::string markdown(std::vector<Cell> const& cells);

// A plot of the heterogeneous cluster of 20 nodes, over the age of the samples, as SVG.
// REQUIRES: `cells` has all ages.
[[nodiscard]] std::string plot(std::vector<Cell> const& cells);

}  // namespace chisme::simulation::balance
