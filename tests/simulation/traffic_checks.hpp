#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// TrafficChecks counts the bytes that each node's core sends, and holds them against invariants 13
// (a budget per node and second, whatever happens) and 21 (a cluster that has nothing to do sends
// little again). Of what is sent in idleness, the share of membership is held against its goal for
// itself: it is a small part of the whole, in which it could grow unseen.
//
// The budgets are for the loopback profile, and less than twice what was measured: one over any ten
// seconds, for the workload of a run and the whole catalogue to each peer (one that was away is
// told all of it, and one of an old version is compared with as a whole by each other); one over
// the seconds between `idle_begins` and `idle_ends`.
class TrafficChecks {
 public:
  static constexpr Duration window = std::chrono::seconds{10};

  explicit TrafficChecks(Surroundings& around) : around_(around) {}

  void sends(Host const& host, cluster::Message const& message, std::size_t bytes);
  // Now and then, at least once a window.
  void look();
  // Nobody has asked anything of the cluster, and all agree.
  void idle_begins();
  void idle_ends();
  [[nodiscard]] std::uint64_t busiest() const { return busiest_; }
  [[nodiscard]] std::uint64_t idlest() const { return idle_; }

 private:
  void check_membership() const;
  [[nodiscard]] bool has_old_node() const;
  [[nodiscard]] std::uint64_t tables_told() const;
  [[nodiscard]] std::uint64_t audits() const;
  [[nodiscard]] std::uint64_t catalogue_bytes() const;

  Surroundings& around_;
  Instant window_began_{};
  std::vector<std::uint64_t> in_window_;  // bytes, of each host
  std::uint64_t catalogue_bytes_ = 0;     // when the window began
  Instant idle_began_{};
  std::vector<std::uint64_t> in_idleness_;
  bool is_idle_ = false;
  std::uint64_t of_membership_ = 0;  // bytes of all hosts, in idleness
  std::uint64_t busiest_ = 0;        // bytes per second of one node, over a window
  std::uint64_t idle_ = 0;           // the same, over the idle time
};

}  // namespace chisme::simulation
