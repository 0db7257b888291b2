#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"

namespace chisme::cluster {

// RedirectTally remembers the redirects that this node made lately, so that a choice counts the
// clients already sent somewhere but not yet in that node's load sample.
//
// Bounded: `per_node_max` moments per node; more redirects than that since one sample count as
// `per_node_max`. Nodes that no client was sent to for `kept` are forgotten, two of them looked at
// with every redirect, so that one costs the same in a large cluster. One thread owns it (each web
// loop may have its own).
class RedirectTally {
 public:
  static constexpr std::size_t per_node_max = 1024;
  static constexpr Duration kept = std::chrono::seconds{10};

  // A client was sent to `target` at `now`. Moments never go back.
  void note(NodeId target, Instant now);
  // How many were sent to `target` after `moment`: when its load sample was measured.
  [[nodiscard]] std::uint32_t since(NodeId target, Instant moment) const;

 private:
  void sweep(Instant now);

  std::map<NodeId, std::deque<Instant>> sent_;
  NodeId swept_;  // the last that was looked at
};

}  // namespace chisme::cluster
