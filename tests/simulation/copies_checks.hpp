#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "tests/simulation/sight.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

// CopiesChecks knows every disk, and holds what nodes do with copies against invariants 6 (no copy
// of a file is removed unless R others are whole) and 16 (a corrupt copy is no source).
//
// A copy that its node has read and that rotted since counts as whole for the former: what was read
// is answered for (Verifier::fresh_for), and that it then rots, nobody can foresee. So does one
// that its node has read and whose disk was lost since, for whoever still sees that node alive.
class CopiesChecks {
 public:
  explicit CopiesChecks(Surroundings& around) : around_(around) {}

  // The core of `host` has its copy removed. REQUIRES: called before it is gone.
  void removes(Host const& host, Digest const& digest);
  void removed(Host const& host, Digest const& digest);
  void verified(Host const& host, Digest const& digest) {
    verified_.emplace(host.index(), host.run(), digest);
  }
  // REQUIRES: called before it is gone.
  void loses_disk(Host const& host);
  void rots(Host const& host, Digest const& digest) { rotten_.emplace(host.index(), digest); }
  [[nodiscard]] bool is_rotten(Host const& host, Digest const& digest) const {
    return rotten_.contains({host.index(), digest});
  }
  // `host` has a copy now that it fetched from `source`.
  void fetched(Host const& host, Host const& source, Digest const& digest);
  // It has a copy that is whole, as far as anybody can know, and stays.
  [[nodiscard]] bool counts(Host const& host, Digest const& digest) const;

 private:
  // How many copies went with their disks, which the node with this view cannot know.
  [[nodiscard]] std::size_t lost_unseen(cluster::ClusterView const& view,
                                        Digest const& digest) const;

  Surroundings& around_;
  std::set<std::pair<unsigned, Digest>> rotten_;
  // Removals that were ordered, by host and run: until they are done, what is there still counts no
  // more. A copy that is stored afterwards counts again, wherever it came from.
  std::set<std::tuple<unsigned, std::uint64_t, Digest>> going_;
  // Copies that were read and found whole, by host and run.
  std::set<std::tuple<unsigned, std::uint64_t, Digest>> verified_;
  // Such copies that went with their disks, by the identity that was lost.
  std::set<std::pair<Digest, NodeId>> lost_;
};

// Invariant 19: each file has as many copies as there should be, and its holders are those that
// have it. `workload` says whose loss is nobody's fault. Nothing when it holds.
[[nodiscard]] std::optional<Violation> wrong_copies(std::span<Sight const> sights,
                                                    Workload const& workload);

// The same, once there was time to remove copies: none are left beyond R, or of what no name refers
// to, and nobody says that he has what he has not. Where only nodes of old versions could do
// something about it, which cannot ask others for their copies, more may be left.
[[nodiscard]] std::optional<Violation> surplus_copies(std::span<Sight const> sights,
                                                      Workload const& workload);

}  // namespace chisme::simulation
