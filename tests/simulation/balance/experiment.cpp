#include "tests/simulation/balance/experiment.hpp"

#include <algorithm>

#include "tests/simulation/balance/model.hpp"

namespace chisme::simulation::balance {

Outcome measure(Setting const& setting) {
  Measures measures;
  Random random{setting.seed};
  for (std::size_t i = 0; i < setting.placements; ++i) {
    Model model{setting, random.split(i)};
    model.run(setting.seconds / static_cast<double>(setting.placements), measures);
  }
  return measures.outcome();
}

std::vector<Setting> settings(Scope const& scope) {
  std::vector<Setting> result;
  for (std::size_t const nodes : {5u, 20u, 100u}) {
    for (Shape const shape : shapes) {
      for (double const age : {0.2, 1.0, 5.0}) {
        bool const has_goal = nodes == 20 && age == 1;
        if (scope.quick && !has_goal) continue;
        for (Policy const policy : policies) {
          Setting setting;
          setting.nodes = nodes;
          setting.sample_age = age;
          setting.shape = shape;
          setting.policy = policy;
          setting.seconds = scope.minutes * 60;
          setting.seed = scope.seed;
          result.push_back(setting);
        }
      }
    }
  }
  return result;
}

std::vector<Goal> goals() {
  return {{"busiest node / mean, on average", Shape::heterogeneous, &Outcome::peak_mean, 1.5},
          {"busiest node / mean, p99", Shape::heterogeneous, &Outcome::peak_p99, 2.1},
          {"slowdown p99", Shape::heterogeneous, &Outcome::slowdown_p99, 1.05},
          {"bounces", Shape::heterogeneous, &Outcome::bounced, 0.03},
          {"busiest node / mean, on average", Shape::degraded, &Outcome::peak_mean, 1.75},
          {"slowdown p99", Shape::degraded, &Outcome::slowdown_p99, 1.3},
          {"bounces", Shape::degraded, &Outcome::bounced, 0.03}};
}

Outcome const* find(std::vector<Cell> const& cells, std::size_t nodes, Shape shape,
                    double sample_age, Policy policy) {
  auto const found = std::ranges::find_if(cells, [&](Cell const& cell) {
    Setting const& setting = cell.setting;
    // Ages are compared as they were written down, never computed.
    return setting.nodes == nodes && setting.shape == shape && setting.sample_age == sample_age &&
           setting.policy == policy;
  });
  return found == cells.end() ? nullptr : &found->outcome;
}

}  // namespace chisme::simulation::balance
