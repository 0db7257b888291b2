#pragma once

#include <chrono>
#include <cstdint>

#include "cluster/base/time.hpp"

namespace chisme::cluster {

// HybridClock makes the times of versions: 48 bits of milliseconds since the Unix epoch and a
// counter of 16 bits, never the same twice and never less than one that was seen (Kulkarni et al.
// 2014, "Logical physical clocks").
//
// The wall clock is what the host last said plus the monotonic time since. A time from elsewhere
// moves this clock at most `ahead_max` past the wall clock, so that one node whose clock is wrong
// cannot drag all others into the future. Pure; one thread owns it.
class HybridClock {
 public:
  static constexpr std::chrono::milliseconds ahead_max = std::chrono::seconds{60};

  HybridClock(WallTime wall, Instant now) : wall_(wall), told_(now) {}

  // The host read its wall clock.
  void set_wall(WallTime wall, Instant now);
  [[nodiscard]] WallTime wall(Instant now) const;
  // A time greater than every one that was given or seen (within the limit above).
  std::uint64_t next(Instant now);
  // A version of another node has this time.
  void observe(std::uint64_t time, Instant now);
  // The greatest time that may be called "now": the wall clock plus `ahead_max`.
  [[nodiscard]] std::uint64_t limit(Instant now) const;

 private:
  WallTime wall_;
  Instant told_;
  std::uint64_t time_ = 0;
};

}  // namespace chisme::cluster
