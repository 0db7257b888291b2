#pragma once

#include <optional>

#include "cluster/base/time.hpp"

namespace chisme::cluster {

// CapacityEstimate measures what a node can really deliver now, in parts of what it delivered at
// its best: a degraded disk or a throttled link shows here, which nominal weights miss.
//
// Only a saturated moment tells anything (else deliveries wait for clients): then the estimate
// follows the delivered rate with a time constant of 2 s. Otherwise it drifts back to 1 with one of
// 60 s, so that a node that has recovered is tried again. Never below `lowest`: a node that nobody
// asks can not show that it is well. Pure; one thread owns it.
class CapacityEstimate {
 public:
  static constexpr double lowest = 0.05;

  explicit CapacityEstimate(Instant now) : updated_(now) {}

  // Deliveries ran at `bytes_per_second` lately.
  void sample(double bytes_per_second, bool saturated, Instant now);
  // 0.05 .. 1.
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 1;
  std::optional<double> rate_;  // smoothed over saturated moments
  double best_rate_ = 0;        // the highest that `rate_` was
  Instant updated_;
};

}  // namespace chisme::cluster
