#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/sight.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

// CatalogueChecks holds what nodes say of names against invariants 8 (versions never decrease at a
// node), 9 (removed stays removed) and 15 (refused stays invisible).
//
// Versions of a name are compared as long as nodes remember it. Those that have forgotten a removal
// (its tombstone was collected) know nothing of the name: what is asked for then begins anew, and
// may have a lesser version when wall clocks were set back since (HybridClock). What was asked for
// before a removal was old enough for that, and comes back, is a violation as ever; but for what
// machines wrote that had never met the one that removed it (Acquaintances).
class CatalogueChecks {
 public:
  CatalogueChecks(Surroundings& around, Workload const& workload)
      : around_(around), workload_(workload) {}

  void look(std::span<Sight const> sights);

 private:
  struct Newest {
    Version version;
    bool removed = false;
  };
  // What one process has shown. A new process starts from its disk, which may have lost the end.
  struct Seen {
    std::uint64_t run = 0;
    std::map<std::string, Newest> names = {};
    // The last look: where the records were, and what keeps them there.
    std::vector<cluster::CatalogueRecord const*> records = {};
    cluster::CatalogueSnapshot catalogue = {};
  };
  void look(Host const& host, cluster::CatalogueRecord const& record, Seen& seen);
  [[nodiscard]] bool begins_anew(cluster::CatalogueRecord const& record,
                                 Newest const& before) const;

  Surroundings& around_;
  Workload const& workload_;
  std::map<unsigned, Seen> seen_;  // by host
  // By which node, and when, each was shown first.
  std::map<std::pair<std::string, Version>, Workload::Removal> removals_;
};

// All nodes have the same files, in the same versions. Nothing when it holds.
[[nodiscard]] std::optional<Violation> different_names(std::span<Sight const> sights);

// Invariant 18: all nodes have the same names, versions, holders and, if all know horizons, the
// same tombstones. Nothing when it holds.
[[nodiscard]] std::optional<Violation> different_catalogues(std::span<Sight const> sights);

}  // namespace chisme::simulation
