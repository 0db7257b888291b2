#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "cluster/membership/member_table.hpp"
#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// MembershipChecks holds what nodes say of each other against invariants 1 (news never goes back),
// 2 (only the owner raises), 3 (no resurrection), and 17 in so far as an identity lives once.
class MembershipChecks {
 public:
  explicit MembershipChecks(Surroundings& around) : around_(around) {}

  // A process ends: the last moment at which to learn what it announced of itself.
  void ends(Host const& host);
  // REQUIRES: the sights are of this moment, and of all hosts that are up.
  void look(std::span<Sight const> sights);

 private:
  using Announced = std::pair<Epoch, Incarnation>;
  // What one process has shown; the next one begins anew.
  struct Seen {
    std::uint64_t run = 0;
    std::map<NodeId, cluster::NewsKey> news;
  };
  void note_own(cluster::ClusterView const& view);
  void check_order(Host const& host, cluster::MemberView const& member, Seen& seen);
  void check_twins(std::span<Sight const> sights);
  void check_raised(Host const& host, cluster::MemberView const& member);

  Surroundings& around_;
  std::map<NodeId, Announced> announced_;  // the newest that each node itself has said
  std::map<unsigned, Seen> seen_;          // by host
  // Since when two processes with one identity have been in reach of each other.
  struct Twins {
    std::uint64_t run_a = 0;
    std::uint64_t run_b = 0;
    Instant since{};
  };
  std::map<std::pair<unsigned, unsigned>, Twins> twins_;
};

// Invariants 17 (all see all that are up as alive, and nobody else, and are in touch) and 20
// (nobody is suspect), of nodes that have had the time. Nothing when they hold.
[[nodiscard]] std::optional<Violation> wrong_views(std::span<Sight const> sights);

}  // namespace chisme::simulation
