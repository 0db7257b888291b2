#pragma once

#include <cstddef>
#include <optional>

#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// LoadGossip says when a node tells all others its load.
//
// In a cluster of up to `small` members each hears `heard_per_second` loads a second. In a larger
// one a load that all are told is old by the time that it comes round again, however much of the
// network that takes; whoever chooses there asks for young ones (LoadProbes). So each member hears
// the less the more there are, down to every load once in `longest`.
//
// What others act on without asking they hear soon in a cluster of any size: a node whose disk is
// nearly full, that is unwell, or that can deliver half of what it could at its best or less, tells
// its load at once, and goes on at the pace of small clusters until some periods after that is
// over.
//
// Periods vary by half, lest nodes that start together tell their loads together for ever. Pure;
// one thread owns it.
class LoadGossip {
 public:
  static constexpr std::size_t small = 100;
  static constexpr unsigned heard_per_second = 20;
  static constexpr Duration longest = std::chrono::minutes{10};

  // Nothing is told twice within `pause`.
  LoadGossip(Duration pause, Random random, Instant now);

  // Whether `own`, this node's load, is to be told now to the `members` of the cluster, itself
  // included: then it counts as told.
  [[nodiscard]] bool is_due(LoadRecord const& own, std::size_t members, Instant now);

 private:
  [[nodiscard]] Duration varied(Duration period) const;

  Duration pause_;
  Random random_;
  Instant told_;
  double variation_ = 1;              // of the period that began then
  Instant loud_until_;                // what is told soon was so a moment ago
  std::optional<Instant> told_loud_;  // when that was told last
};

}  // namespace chisme::cluster
