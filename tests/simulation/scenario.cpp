#include "tests/simulation/scenario.hpp"

#include <cmath>

#include "cluster/base/random.hpp"

namespace chisme::simulation {

Scenario draw_scenario(std::uint64_t seed, unsigned nodes) {
  // A stream per fault, so that to take one away does not move the others.
  Random root{mix(seed)};
  auto const drawn = [&root](std::uint64_t stream, double most) {
    Random random = root.split(stream);
    return random.chance(0.5) ? random.uniform() * most : 0.0;
  };
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = nodes;
  scenario.loss = drawn(1, 0.3);
  scenario.duplication = drawn(2, 0.2);
  scenario.corruption = drawn(3, 0.01);
  // From 0.1 to 30 ms, evenly over the orders of magnitude.
  scenario.delay =
      std::chrono::microseconds{static_cast<std::int64_t>(100 * std::pow(10.0, drawn(4, 2.5)))};
  scenario.crashes = drawn(5, 1) > 0;
  scenario.lost_disks = drawn(6, 1) > 0;
  scenario.partitions = drawn(7, 1) > 0;
  scenario.pauses = drawn(8, 1) > 0;
  scenario.skewed_clocks = drawn(9, 1) > 0;
  return scenario;
}

}  // namespace chisme::simulation
