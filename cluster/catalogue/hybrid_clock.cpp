#include "cluster/catalogue/hybrid_clock.hpp"

#include <algorithm>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

constexpr std::uint64_t ahead = std::uint64_t{HybridClock::ahead_max.count()} << 16;

// Half of `ahead_max`: who follows somebody so far is not refused by those who are as far behind.
constexpr std::uint64_t followed = ahead / 2;
constexpr std::uint64_t last_time = ~std::uint64_t{0};
constexpr std::uint64_t run_mask = 0xff;

// A wall clock before 1970 counts as 1970, one past what 47 bits hold (the year 6429) as that:
// there is room for a successor to every time.
std::uint64_t packed(WallTime wall) {
  constexpr std::int64_t last = (std::int64_t{1} << 47) - 1;
  auto const milliseconds = std::clamp<std::int64_t>(wall.time_since_epoch().count(), 0, last);
  return static_cast<std::uint64_t>(milliseconds) << 16;
}

bool follows_anybody() {
  return planted(PlantedBug::clock_follows_anybody);
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
  if (planted(PlantedBug::version_is_the_wall_clock)) return packed(wall(now));
  std::uint64_t const physical = packed(wall(now));
  bool const follows = time_ >= physical && (time_ < physical + ahead || follows_anybody());
  return time_ = follows ? after(time_) : of_this_run(physical);
}

std::uint64_t HybridClock::after(std::uint64_t time) const {
  return time == last_time ? time : of_this_run(time + 1);
}

std::uint64_t HybridClock::of_this_run(std::uint64_t time) const {
  std::uint64_t const here = (time & ~run_mask) | (epoch_.value() & run_mask);
  if (here >= time) return here;
  return here > last_time - (run_mask + 1) ? last_time : here + run_mask + 1;
}

void HybridClock::observe(std::uint64_t time, Instant now) {
  bool const near = time <= packed(wall(now)) + followed;
  if (near || follows_anybody()) time_ = std::max(time_, time);
}

std::uint64_t HybridClock::limit(Instant now) const {
  return follows_anybody() ? ~std::uint64_t{0} : packed(wall(now)) + ahead;
}

}  // namespace chisme::cluster
