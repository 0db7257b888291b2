#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/simulation/copies_checks.hpp"

namespace chisme::simulation {

// DepartureChecks looks at nodes that leave in the moment in which they decide to go: each file of
// which such a node has a copy has R others, or one on each node that stays, as far as it can know,
// and one of them in truth (invariant 6). Unless it says that it goes before that. The truth may be
// another one where it is cut off from a node that stays: it hears only what the intruder repeats.
class DepartureChecks {
 public:
  DepartureChecks(Surroundings& around, CopiesChecks const& copies)
      : around_(around), copies_(copies) {}

  // The core of `host` has just been called.
  void worked(Host const& host);
  void announces(Host const& host, cluster::Event const& event);
  // Tells of those that went since.
  void look();

 private:
  using Run = std::pair<unsigned, std::uint64_t>;  // of a host

  // A file that has too few copies if `host` goes now.
  [[nodiscard]] std::optional<std::string> not_handed_over(Host const& host) const;
  [[nodiscard]] bool is_cut_off(Host const& host, std::set<NodeId> const& from) const;

  Surroundings& around_;
  CopiesChecks const& copies_;
  std::set<Run> left_;
  std::map<Run, std::string> wrong_;  // of those, until the next look
};

}  // namespace chisme::simulation
