#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/id_map.hpp"
#include "cluster/membership/member_table.hpp"
#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// MembershipChecks holds what nodes say of each other against invariants 1 (news never goes back),
// 2 (only the owner raises), 3 (no resurrection), 17 in so far as an identity lives once, and 22
// (nobody is held for dead without cause).
//
// Members are checked at once when a core changes what it knows of them; `look`, which sees
// whatever else a core may show, comes to each node now and then.
class MembershipChecks {
 public:
  explicit MembershipChecks(Surroundings& around) : around_(around) {}

  void expects_no_death() { may_die_ = false; }
  void announces(Host const& host, cluster::Event const& event);
  // REQUIRES: after each call of its core, and before anybody else can hear of it.
  void worked(Host const& host);
  // REQUIRES: the sights are of this moment.
  void look(std::span<Sight const> sights);
  // All that are up, when some identity was cloned.
  void check_twins();

 private:
  using Announced = std::pair<Epoch, Incarnation>;
  // What one process has shown; the next one begins anew.
  struct Seen {
    std::uint64_t run = 0;
    IdMap<cluster::NewsKey> news = {};
  };
  Seen& seen_of(Host const& host);
  void note_own(cluster::MemberView const& member);
  void check(Host const& host, cluster::MemberView const& member, Seen& seen);
  void check_order(Host const& host, cluster::MemberView const& member, Seen& seen);
  void check_raised(Host const& host, cluster::MemberView const& member);

  Surroundings& around_;
  bool may_die_ = true;
  IdMap<Announced> announced_;  // the newest that each node itself has said
  std::vector<Seen> seen_;      // by host
  // Since when two processes with one identity have been in reach of each other.
  struct Twins {
    std::uint64_t run_a = 0;
    std::uint64_t run_b = 0;
    Instant since{};
  };
  using TwinsByHosts = std::map<std::pair<unsigned, unsigned>, Twins>;
  void check_twins(Host const& a, Host const& b, TwinsByHosts const& before);
  TwinsByHosts twins_;
};

// Invariants 17 (all see all that are up as alive, and nobody else, and are in touch) and 20
// (nobody is suspect), of nodes that have had the time. Nothing when they hold.
[[nodiscard]] std::optional<Violation> wrong_views(std::span<Sight const> sights);

}  // namespace chisme::simulation
