#include "cluster/load/capacity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace chisme::cluster {
namespace {

constexpr double follow_seconds = 2;
constexpr double recover_seconds = 60;

// How far an exponentially weighted average moves in `elapsed`.
double weight(Duration elapsed, double time_constant_seconds) {
  return 1 - std::exp(-std::chrono::duration<double>{elapsed}.count() / time_constant_seconds);
}

}  // namespace

void CapacityEstimate::sample(double bytes_per_second, bool saturated, Instant now) {
  Duration const elapsed = std::max(Duration{}, now - updated_);
  updated_ = now;
  if (!saturated || bytes_per_second < 0) {
    value_ += (1 - value_) * weight(elapsed, recover_seconds);
    return;
  }
  double const rate = rate_.value_or(bytes_per_second);
  rate_ = rate + (bytes_per_second - rate) * weight(elapsed, follow_seconds);
  best_rate_ = std::max(best_rate_, *rate_);
  double const share = best_rate_ > 0 ? std::min(1.0, bytes_per_second / best_rate_) : 1;
  value_ += (share - value_) * weight(elapsed, follow_seconds);
  value_ = std::max(lowest, value_);
}

}  // namespace chisme::cluster
