#pragma once

#include <algorithm>
#include <atomic>
#include <optional>

#include "cluster/base/time.hpp"

namespace chisme::node {

// RequestBudget is a token bucket of one number: the moment at which it would be full again (the
// generic cell rate algorithm, ITU-T I.371). Thread-safe, without a lock.
class RequestBudget {
 public:
  struct Rate {
    Duration each;   // between two requests, on average; 0: no limit
    Duration burst;  // how much of that may be taken at once
  };

  // nullopt: it is taken. Otherwise nothing was, and after so long it would be.
  [[nodiscard]] std::optional<Duration> take(Instant now, Rate rate) {
    if (rate.each.count() == 0) return std::nullopt;
    auto full = full_at_.load(std::memory_order_relaxed);
    while (true) {
      auto const begun = std::max(full, now.time_since_epoch().count());
      auto const next = begun + rate.each.count();
      auto const too_early = next - now.time_since_epoch().count() - rate.burst.count();
      if (too_early > 0) return Duration{too_early};
      if (full_at_.compare_exchange_weak(full, next, std::memory_order_relaxed)) {
        return std::nullopt;
      }
    }
  }
  // Whether a new budget would be the same.
  [[nodiscard]] bool is_full(Instant now) const {
    return full_at_.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
  }

 private:
  std::atomic<Duration::rep> full_at_{0};
};

}  // namespace chisme::node
