#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/effect.hpp"
#include "cluster/sizes.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// A choice should not rely on this sample: it is older than two seconds. Never one of this node
// itself, nor of a member that is not alive.
[[nodiscard]] bool is_old(MemberView const& member, Instant now);

// LoadProbes asks members for their load when gossip has not told it for `too_old`: a redirect
// that relies on an older sample sends everybody to where it was quiet then.
//
// Two ways: `ask` keeps the samples of a small cluster young at all times; `want` asks those that a
// redirect has just relied on, in a cluster of any size. Each member is asked at most once per
// `period`. Bounded: within a period `asked_max` by `ask` (in turn, so that some that never answer
// do not keep it from the others) and `wanted_max` by both. Pure; one thread owns it.
class LoadProbes {
 public:
  static constexpr Duration too_old = std::chrono::seconds{2};
  static constexpr Duration period = std::chrono::seconds{1};
  static constexpr std::size_t asked_max = 3;
  static constexpr std::size_t wanted_max = 32;
  // Where samples are older than `too_old` as a rule, only what is wanted is asked for.
  static constexpr std::size_t small = 32;

  // Appends the probes that are due. `members` in order of their ids.
  void ask(std::span<MemberView const> members, Instant now, Effects& out);
  // Appends probes of those of `nodes` whose samples are too old. `members` in order of their ids.
  void want(std::span<NodeId const> nodes, std::span<MemberView const> members, Instant now,
            Effects& out);
  void add_sizes(TableSizes& out) const {
    out.push_back({"members that were asked for their load", asked_.size(), wanted_max});
  }

 private:
  [[nodiscard]] bool is_due(MemberView const& member, Instant now) const;
  void probe(MemberView const& member, Instant now, Effects& out);

  std::map<NodeId, Instant> asked_;  // within the last period
  NodeId last_;
  std::uint64_t next_sequence_ = 1;
};

// WantedLoads is how whoever chooses among holders, on another thread than the core's, comes by
// younger samples: what `take` returns is to be told to the core (LoadsWanted). The choice itself
// does not wait.
//
// Bounded: names each node at most once per `LoadProbes::period`, `LoadProbes::wanted_max`
// together, so that a rush of clients does not become one of inputs. One thread owns it.
class WantedLoads {
 public:
  // Those of `holders` whose samples are old.
  [[nodiscard]] std::vector<NodeId> take(ClusterView const& view, std::span<NodeId const> holders,
                                         Instant now);

 private:
  std::map<NodeId, Instant> named_;  // within the last period
};

}  // namespace chisme::cluster
