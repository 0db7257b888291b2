#pragma once

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "tests/simulation/invariants.hpp"
#include "tests/simulation/sight.hpp"
#include "tests/simulation/surroundings.hpp"

namespace chisme::simulation {

// AccessChecks revokes tokens before the faults, and looks whether they stay revoked (invariant
// 23): at each node that knew of it, through all its crashes, unless its disk was lost; and in the
// end at every node.
class AccessChecks {
 public:
  // What ends so late is over at no node whose clock is at most some hours fast.
  static constexpr std::chrono::hours life{24 * 300};

  explicit AccessChecks(Surroundings& around) : around_(around) {}

  // Revokes as many as the scenario says, at various hosts.
  void revoke();
  // From now on whoever knows must not forget.
  void faults_begin();
  void look(std::span<Sight const> sights);
  void loses_disk(Host const& host);
  [[nodiscard]] std::optional<Violation> disagreement(std::span<Sight const> sights) const;

 private:
  [[nodiscard]] bool counts(Host const& host, WallTime until) const;

  Surroundings& around_;
  std::vector<cluster::Revocation> revoked_;
  std::set<unsigned> knowing_;  // hosts that knew all when the faults began
};

}  // namespace chisme::simulation
