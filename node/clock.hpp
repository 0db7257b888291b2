#pragma once

#include <chrono>

#include "cluster/base/time.hpp"

// The program's only clocks.
namespace chisme::node {

[[nodiscard]] inline Instant steady_now() {
  return Instant{
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

[[nodiscard]] inline WallTime wall_now() {
  return WallTime{std::chrono::duration_cast<WallTime::duration>(
      std::chrono::system_clock::now().time_since_epoch())};
}

[[nodiscard]] inline std::chrono::steady_clock::time_point to_steady(Instant instant) {
  return std::chrono::steady_clock::time_point{
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(instant.time_since_epoch())};
}

}  // namespace chisme::node
