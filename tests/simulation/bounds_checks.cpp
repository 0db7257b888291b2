#include "tests/simulation/bounds_checks.hpp"

#include <string>

namespace chisme::simulation {

using namespace cluster;

void BoundsChecks::worked(Host const& host) {
  if (!host.is_shrunk() && ++calls_ % every != 0) return;
  for (TableSize const& table : host.core().sizes()) {
    if (table.size <= table.most) continue;
    if (!told_.emplace(host.index(), table.name).second) continue;
    around_.violated(Invariant::within_bounds, name_of(host) + ": " + std::string(table.name) +
                                                   ": " + std::to_string(table.size) +
                                                   " of at most " + std::to_string(table.most));
  }
}

}  // namespace chisme::simulation
