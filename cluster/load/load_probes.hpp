#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/effect.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// LoadProbes asks members for their load when gossip has not told it for `too_old`: a redirect
// that relies on an older sample sends everybody to where it was quiet then.
//
// Each member is asked at most once per `period`, all together `asked_max` of them, in turn, so
// that some that never answer do not keep it from the others. In clusters of more than `small`
// members samples are that old as a rule, and one is asked per period. Pure; one thread owns it.
class LoadProbes {
 public:
  static constexpr Duration too_old = std::chrono::seconds{2};
  static constexpr Duration period = std::chrono::seconds{1};
  static constexpr std::size_t asked_max = 3;
  static constexpr std::size_t small = 32;

  // Appends the probes that are due. `members` in order of their ids.
  void ask(std::span<MemberView const> members, Instant now, Effects& out);

 private:
  [[nodiscard]] bool is_due(MemberView const& member, Instant now) const;

  std::map<NodeId, Instant> asked_;  // within the last period
  NodeId last_;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace chisme::cluster
