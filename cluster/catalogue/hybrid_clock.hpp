#pragma once

#include <chrono>
#include <cstdint>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"

namespace chisme::cluster {

// HybridClock makes the times of versions: 48 bits of milliseconds since the Unix epoch and a
// counter of 16 bits (Kulkarni et al. 2014, "Logical physical clocks"). A counter that overflows
// carries into the milliseconds.
//
// The wall clock is what the host last said plus the monotonic time since. Each time is greater
// than all that were given, or seen at most 30 s past the wall clock: one from further ahead is not
// followed, so that a node whose clock is wrong drags nobody so far into the future that nodes with
// slower clocks refuse its writes; and if the own wall clock is set back by `ahead_max`, this clock
// follows it, or else everybody would refuse what this node writes until the time has come. That
// the version of a name never decreases all the same is seen to by `Catalogue::next_version`, for
// as long as the name, or its tombstone, is known.
//
// A run of a node that ends at once may have told others of versions that it does not know of when
// it starts again. So that these are not given a second time, the last 8 bits of each time are
// those of the epoch of the run that gave it.
//
// Pure; one thread owns it.
class HybridClock {
 public:
  static constexpr std::chrono::milliseconds ahead_max = std::chrono::seconds{60};

  HybridClock(Epoch epoch, WallTime wall, Instant now) : epoch_(epoch), wall_(wall), told_(now) {}

  // The host read its wall clock.
  void set_wall(WallTime wall, Instant now);
  [[nodiscard]] WallTime wall(Instant now) const;
  // The next time.
  std::uint64_t next(Instant now);
  // The first time of this run past `time`; the last of all times has no successor but itself.
  [[nodiscard]] std::uint64_t after(std::uint64_t time) const;
  // A version of another node has this time.
  void observe(std::uint64_t time, Instant now);
  // The greatest time that may be called "now": the wall clock plus `ahead_max`.
  [[nodiscard]] std::uint64_t limit(Instant now) const;

 private:
  // The first one not before `time`.
  [[nodiscard]] std::uint64_t of_this_run(std::uint64_t time) const;

  Epoch epoch_;
  WallTime wall_;
  Instant told_;
  std::uint64_t time_ = 0;
};

}  // namespace chisme::cluster
