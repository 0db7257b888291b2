#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/base/time.hpp"

namespace chisme::simulation {

// What must hold in every run, by the numbers of the design. 1 to 16 hold always, 17 to 21 once the
// faults are healed, 22 when nothing is wrong but the weather (is_mild), 23 always, and everywhere
// once the faults are healed. `contract` is what a core
// owes its host: one answer to each request, a deadline that moves, messages that can be decoded,
// no stop without cause.
enum class Invariant : std::uint8_t {
  contract,
  news_never_goes_back,
  only_the_owner_raises,
  no_resurrection,
  no_acknowledged_write_lost,
  served_bytes_match,
  no_removal_without_others,
  merges_commute,
  versions_never_decrease,
  removed_stays_removed,
  within_bounds,
  redirects_end,
  foreign_changes_nothing,
  traffic_within_budget,
  replay_is_identical,
  refused_stays_invisible,
  corrupt_is_no_source,
  views_agree,
  catalogues_agree,
  copies_complete,
  nothing_pending,
  idle_traffic_normal,
  no_false_death,
  revoked_stays_revoked,
};

inline constexpr std::size_t invariants = 24;

inline constexpr std::array<std::string_view, invariants> invariant_names{
    "contract",
    "news never goes back",
    "only the owner raises its incarnation",
    "no resurrection",
    "no acknowledged write is lost",
    "served bytes match the catalogue",
    "no removal unless others were verified",
    "merges commute",
    "versions never decrease",
    "removed stays removed",
    "within bounds",
    "redirects end",
    "foreign messages change nothing",
    "traffic within budget",
    "the same seed gives the same trace",
    "refused stays invisible",
    "a corrupt copy is no source",
    "views agree",
    "catalogues agree",
    "copies are complete",
    "nothing is pending",
    "idle traffic is normal",
    "nobody is held for dead without cause",
    "what was revoked stays revoked",
};

struct Violation {
  Invariant invariant = Invariant::contract;
  Instant at{};
  std::string what;
  friend bool operator==(Violation const&, Violation const&) = default;
};

// "invariant 4 (no acknowledged write is lost) at 12.300000 s: file-3 was lost"
[[nodiscard]] inline std::string to_string(Violation const& violation) {
  auto const number = static_cast<std::size_t>(violation.invariant);
  double const seconds = std::chrono::duration<double>{violation.at.time_since_epoch()}.count();
  return "invariant " + std::to_string(number) + " (" + std::string(invariant_names[number]) +
         ") at " + std::to_string(seconds) + " s: " + violation.what;
}

}  // namespace chisme::simulation
