#pragma once

#include <chrono>
#include <cstdint>

namespace chisme {

using Duration = std::chrono::nanoseconds;

// A time line without a `now()`: whoever has a clock says what time it is, so that logic can run
// under virtual time.
struct MonotonicTimeline {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  static constexpr bool is_steady = true;
};

// A moment on one process's monotonic clock. Instants of two processes never compare.
using Instant = std::chrono::time_point<MonotonicTimeline, Duration>;

struct WallTimeline {
  using rep = std::int64_t;
  using period = std::milli;
  using duration = std::chrono::milliseconds;
  static constexpr bool is_steady = false;
};

// Milliseconds since the Unix epoch, as a node's wall clock has it: it may jump.
using WallTime = std::chrono::time_point<WallTimeline, std::chrono::milliseconds>;

}  // namespace chisme
