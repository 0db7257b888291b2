#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// How long a suspect may stay silent in a cluster of `members` once `confirmations` others confirm
// (Lifeguard, 4.2): from beta * min down to min = alpha * max(1, log10 N) * probe period.
[[nodiscard]] Duration suspicion_timeout(Profile const& profile, std::size_t members,
                                         std::size_t confirmations);

// Suspicions counts who accuses whom and when each suspect's time is over. Keeping it in step with
// the member table is its owner's work. Bounds: one entry per suspect, `accusers_max` accusers
// each. Pure; one thread owns it.
class Suspicions {
 public:
  static constexpr std::size_t accusers_max = 8;

  explicit Suspicions(Profile const& profile) : profile_(profile) {}

  // True if this accuser is new and still shortens the wait: worth telling others.
  bool accuse(NodeId suspect, NodeId accuser, std::size_t members, Instant now);
  void clear(NodeId suspect);
  // Removes and returns the suspects whose time is over.
  std::vector<NodeId> expire(Instant now);
  // Gives every suspect more time: this node was paused until `now` and heard nobody. Whoever was
  // accused since it woke (it hears what had come in before it sees how late it is) is given no
  // more than any suspect: else it would be kept alive here for as long as the pause was.
  void postpone(Duration by, Instant now);
  [[nodiscard]] std::optional<Instant> deadline() const;
  void add_sizes(std::size_t members, TableSizes& out) const {
    out.push_back({"suspects", suspects_.size(), members, is_work});
    out.push_back({"ends of suspicions", ends_.size(), suspects_.size(), is_work});
  }

 private:
  struct Suspect {
    Instant since{};
    std::size_t members = 0;
    std::set<NodeId> accusers;
    Instant end{};
  };
  [[nodiscard]] Instant end_of(Suspect const& suspect) const;

  Profile profile_;
  std::map<NodeId, Suspect> suspects_;
  std::set<std::pair<Instant, NodeId>> ends_;  // whose time is over when
};

}  // namespace chisme::cluster
