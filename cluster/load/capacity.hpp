#pragma once

#include <cstdint>

#include "cluster/base/time.hpp"

namespace chisme::cluster {

// What a node did since the last time it looked.
struct Delivery {
  double bytes_per_second = 0;
  std::uint32_t in_flight = 0;
  bool saturated = false;  // deliveries wait for this node, not for their clients
};

// CapacityEstimate measures what a node can really deliver now, in parts of what it delivered at
// its best: a degraded disk or a throttled link shows here, which nominal weights miss.
//
// Only a saturated moment tells how much it can (else deliveries wait for clients): then the
// estimate follows the delivered rate with a time constant of 2 s. Otherwise it drifts back to 1
// with one of 60 s, so that a node that has recovered is tried again. Never below `lowest`: a node
// that nobody asks can not show that it is well. Any moment tells that it can deliver that much at
// least, so that a node is known to have become slow though it was never saturated while it was
// well. Pure; one thread owns it.
class CapacityEstimate {
 public:
  static constexpr double lowest = 0.05;

  explicit CapacityEstimate(Instant now) : updated_(now) {}

  void sample(Delivery const& delivery, Instant now);
  // 0.05 .. 1.
  [[nodiscard]] double value() const { return value_; }
  // How many requests it can serve at the rate that their clients take; 0 while that is unknown. Of
  // a node that was never saturated: a third more than the most that it served.
  [[nodiscard]] double full_at() const;

 private:
  double value_ = 1;
  double best_rate_ = 0;  // the highest that either of the next two was
  double rate_ = 0;       // smoothed over all moments
  double full_rate_ = 0;  // smoothed over saturated moments
  // Smoothed over moments that are not saturated: what clients take, and how many they are.
  double taken_rate_ = 0;
  double taking_ = 0;
  Instant updated_;
};

}  // namespace chisme::cluster
