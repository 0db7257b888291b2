#pragma once

#include <cstdint>
#include <cstdlib>

#include "cluster/base/time.hpp"

namespace chisme::simulation {

// Clocks are one machine's: a monotonic one, which may run fast or slow, and a wall clock on top of
// it, which may be wrong and may jump. True time is the agenda's.
class Clocks {
 public:
  // `offset`: monotonic clocks of two machines have nothing in common.
  explicit Clocks(Duration offset) : local_base_(Instant{} + offset) {}

  [[nodiscard]] Instant local(Instant now) const {
    Duration const elapsed = now - base_;
    return local_base_ + elapsed + gained(elapsed);
  }
  // How much true time passes, at least, until the local clock has moved on by `span`.
  [[nodiscard]] Duration until_local(Duration span) const {
    if (parts_per_million_ == 0) return span;
    // In two parts, so that neither overflows nor rounds much.
    auto const [whole, rest] = std::div(span.count(), million + parts_per_million_);
    Duration const slower{whole * million + rest * million / (million + parts_per_million_)};
    return slower + Duration{2};
  }
  [[nodiscard]] WallTime wall(Instant now) const {
    auto const since = std::chrono::duration_cast<std::chrono::milliseconds>(local(now) - zero_);
    return WallTime{begins_at + since} + wrong_;
  }

  // From now on the monotonic clock gains so much.
  void drift(Instant now, std::int64_t parts_per_million) {
    local_base_ = local(now);
    base_ = now;
    parts_per_million_ = parts_per_million;
  }
  void jump(Duration by) { wrong_ += std::chrono::duration_cast<std::chrono::milliseconds>(by); }
  // Runs evenly, and the wall clock is right.
  void set_right(Instant now) {
    drift(now, 0);
    wrong_ = {};
    zero_ = local_base_ - (now - Instant{});
  }

 private:
  [[nodiscard]] Duration gained(Duration elapsed) const {
    auto const [whole, rest] = std::div(elapsed.count(), million);
    return Duration{whole * parts_per_million_ + rest * parts_per_million_ / million};
  }

  static constexpr std::int64_t million = 1'000'000;
  static constexpr std::chrono::milliseconds begins_at{1'750'000'000'000};

  Instant base_{};
  Instant local_base_;
  Instant zero_ = local_base_;  // what the monotonic clock showed when the world began
  std::int64_t parts_per_million_ = 0;
  std::chrono::milliseconds wrong_{};
};

}  // namespace chisme::simulation
