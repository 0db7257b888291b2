#include <algorithm>

#include "cluster/catalogue/hybrid_clock.hpp"
#include "tests/simulation/workload.hpp"

// Workload: versions against the clocks of those who gave them.
namespace chisme::simulation {

using namespace cluster;

// A version is newer than the one that it replaces, and at most a minute before the clocks of all
// nodes so far: one of a wrong clock may have to be outdone.
void Workload::check_version(Attempt const& attempt) {
  if (attempt.known && attempt.version <= *attempt.known) {
    around_.violated(Invariant::versions_never_decrease,
                     "a write of " + attempt.name + " was given an older version");
  }
  WallTime latest{};
  for (auto const& host : around_.hosts) latest = std::max(latest, host->latest_believed());
  auto const limit =
      static_cast<std::uint64_t>((latest + HybridClock::ahead_max).time_since_epoch().count() + 1);
  if (attempt.version.time >> 16 <= limit) return;
  around_.violated(Invariant::within_bounds,
                   "a write of " + attempt.name + " is more than a minute in the future");
}

// A node follows others' clocks for at most a minute beyond its own: what is further ahead is so
// because the name was before. A write that was under way at the same time may have been before
// it with another version than the one that was acknowledged: outdone, it got a second one.
void Workload::check_clock(std::string const& name,
                           std::vector<Attempt const*> const& attempts) const {
  for (Attempt const* const attempt : attempts) {
    std::uint64_t const limit = attempt->time_max;
    if (attempt->outcome != Outcome::acknowledged || attempt->version.time <= limit) continue;
    bool const explained = std::ranges::any_of(attempts, [&](Attempt const* other) {
      if (other == attempt || other->outcome == Outcome::refused) return false;
      if (other->outcome == Outcome::unknown) return true;
      bool const is_earlier =
          other->version < attempt->version ||
          (other->asked.at < attempt->answered_at && attempt->asked.at < other->answered_at);
      return other->version.time >= limit && is_earlier;
    });
    if (explained) continue;
    around_.violated(Invariant::within_bounds, "a write of " + name + " by node " +
                                                   std::to_string(attempt->asked.host) +
                                                   " is more than a minute past its clock");
  }
}

}  // namespace chisme::simulation
