#include "cluster/load/capacity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace chisme::cluster {
namespace {

constexpr double follow_seconds = 2;
constexpr double lately_seconds = 0.5;
constexpr double recover_seconds = 60;
constexpr double clients_seconds = 10;
// A node that was never saturated can do more than the most that it did. If this is too much to
// expect, it becomes saturated, and knows.
constexpr double untried = 4.0 / 3;

// Moves an exponentially weighted average by what was seen in `elapsed`.
void follow(double& average, double seen, Duration elapsed, double time_constant_seconds) {
  double const seconds = std::chrono::duration<double>{elapsed}.count();
  average += (seen - average) * (1 - std::exp(-seconds / time_constant_seconds));
}

}  // namespace

void CapacityEstimate::sample(Delivery const& delivery, Instant now) {
  Duration const elapsed = std::max(Duration{}, now - updated_);
  updated_ = now;
  double const seen = std::max(0.0, delivery.bytes_per_second);
  follow(rate_, seen, elapsed, lately_seconds);
  if (!delivery.saturated) {
    best_rate_ = std::max(best_rate_, rate_);
    follow(taken_rate_, seen, elapsed, clients_seconds);
    follow(taking_, delivery.in_flight, elapsed, clients_seconds);
    follow(value_, 1, elapsed, recover_seconds);
    return;
  }
  if (full_rate_ <= 0) full_rate_ = seen;
  follow(full_rate_, seen, elapsed, follow_seconds);
  best_rate_ = std::max(best_rate_, full_rate_);
  follow(value_, best_rate_ > 0 ? std::min(1.0, seen / best_rate_) : 1, elapsed, follow_seconds);
  value_ = std::max(lowest, value_);
}

double CapacityEstimate::full_at() const {
  if (taken_rate_ <= 0) return 0;
  double const full = best_rate_ * value_ * taking_ / taken_rate_;
  return full_rate_ > 0 ? full : untried * full;
}

}  // namespace chisme::cluster
