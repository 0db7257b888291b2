#include "tests/simulation/bounds_checks.hpp"

#include <string>

namespace chisme::simulation {

using namespace cluster;

void BoundsChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    for (TableSize const& table : sight.host->core().sizes()) {
      if (table.size <= table.most) continue;
      if (!told_.emplace(sight.host->index(), table.name).second) continue;
      around_.violated(Invariant::within_bounds, name_of(*sight.host) + ": " +
                                                     std::string(table.name) + ": " +
                                                     std::to_string(table.size) + " of at most " +
                                                     std::to_string(table.most));
    }
  }
}

}  // namespace chisme::simulation
