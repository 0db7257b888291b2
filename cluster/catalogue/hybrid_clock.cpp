#include "cluster/catalogue/hybrid_clock.hpp"

#include <algorithm>

namespace chisme::cluster {
namespace {

// A wall clock before 1970 counts as 1970.
std::uint64_t packed(WallTime wall) {
  auto const milliseconds = std::max<std::int64_t>(0, wall.time_since_epoch().count());
  return static_cast<std::uint64_t>(milliseconds) << 16;
}

}  // namespace

void HybridClock::set_wall(WallTime wall, Instant now) {
  wall_ = wall;
  told_ = now;
}

WallTime HybridClock::wall(Instant now) const {
  return wall_ + std::chrono::duration_cast<std::chrono::milliseconds>(now - told_);
}

std::uint64_t HybridClock::next(Instant now) {
  return time_ = std::max(time_ + 1, packed(wall(now)));
}

void HybridClock::observe(std::uint64_t time, Instant now) {
  time_ = std::max(time_, std::min(time, limit(now)));
}

std::uint64_t HybridClock::limit(Instant now) const {
  return packed(wall(now) + ahead_max);
}

}  // namespace chisme::cluster
