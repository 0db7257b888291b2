#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// ExpirySweeper says which expired files this node is to remove now (catalogue/expiry.hpp). Nobody
// sees them any more; what is left is to remove the records, so that their objects can go.
//
// Of each file one node takes care, the first that is alive of those that should hold it
// (`sweep_delay`), a moment after its time, so that the other nodes' clocks have come there too:
// W nodes must agree by their own clocks, or the removal is refused and asked for later. Two
// nodes that take care of one file do no harm: they make the same removal.
//
// It goes through the expired files from the first to the last, again and again while there are
// any, `looked_at_once` at a time and no more than `at_once_max` removals under way. While none
// has expired it looks at the first time only. Pure; one thread owns it.
class ExpirySweeper {
 public:
  static constexpr std::size_t at_once_max = 32;
  static constexpr std::size_t looked_at_once = 64;
  static constexpr std::chrono::seconds margin{1};

  // The names of files to be removed now; each is answered by `finished`.
  [[nodiscard]] std::vector<std::string> tick(Catalogue const& catalogue,
                                              Situation const& situation);
  // A removal was refused, or nobody knows what became of it: the next ones wait, ever longer.
  void finished(std::string const& name, Result<void> const& ended, Instant now);
  // When `tick` must next be called; as of the last call.
  [[nodiscard]] std::optional<Instant> deadline() const { return wakes_; }
  void add_sizes(TableSizes& out) const {
    out.push_back({"removals of expired files", under_way_.size(), at_once_max, is_work});
  }

 private:
  std::vector<std::string> step(Catalogue const& catalogue, Situation const& situation,
                                WallTime due);

  std::set<std::string> under_way_;
  std::pair<WallTime, std::string> last_;  // of the files that were looked at in this round
  Instant next_step_{};
  Duration pause_{};  // after a failure
  std::optional<Instant> wakes_;
};

}  // namespace chisme::cluster
