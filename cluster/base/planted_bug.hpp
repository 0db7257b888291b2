#pragma once

#include <cstddef>
#include <cstdint>

namespace chisme {

// PlantedBug names mistakes that the simulator must be able to find. Each has its site in the code
// (`if (planted(PlantedBug::x)) …`) and its row in tests/simulation/planted/planted_bugs.hpp, which
// says what it does and which check is to catch it.
enum class PlantedBug : std::uint8_t {
  none,
  // Membership.
  stale_news_is_taken,
  same_alive_revives,
  old_address_is_kept,
  accuser_raises_incarnation,
  accusation_is_not_refuted,
  known_news_is_told_again,
  namesake_is_ignored,
  anybody_answers,
  no_ping_by_stream,
  jitter_depends_on_the_process,
  left_is_for_ever,
  suspicion_gives_no_time,
  nobody_is_a_majority,
  // The wire.
  datagrams_are_overfilled,
  foreign_clusters_are_heard,
  damage_is_not_seen,
  new_kinds_go_to_old_nodes,
  // The catalogue.
  older_version_wins,
  tombstones_do_not_count,
  duplicates_move_the_fingerprint,
  gossip_is_enough,
  turns_are_left_out,
  everything_is_told,
  holding_epochs_do_not_count,
  clock_follows_anybody,
  version_is_the_wall_clock,
  // Writes, lookups, copies.
  one_copy_is_enough,
  participant_answers_before_the_sync,
  refused_write_is_finished,
  late_write_is_called_refused,
  condition_is_not_checked,
  absent_without_a_majority,
  nothing_is_repaired,
  repairs_stay_counted,
  the_dead_count_as_copies,
  needed_copies_are_removed,
  transfers_are_not_limited,
  askers_are_not_forgotten,
  table_is_not_bounded,
  surplus_stays,
  unreferenced_stays,
  nothing_is_handed_over,
  // Credentials of clients.
  revocations_are_not_kept,
  revocations_are_not_compared,
  // The simulated host and its clients.
  save_is_answered_before_the_sync,
  torn_object_is_taken_for_whole,
  last_save_wins,
  directory_is_not_synced,
  epoch_is_not_raised,
  full_disk_says_stored,
  broken_transfer_counts,
  rotten_copy_is_called_intact,
  failed_sync_is_ignored,
  bounce_goes_on,
  count,
};
inline constexpr std::size_t planted_bugs = static_cast<std::size_t>(PlantedBug::count);

#ifdef CHISME_PLANTED_BUGS
// Whether `bug` is the one that was planted last.
[[nodiscard]] bool planted(PlantedBug bug);
// Plants `bug` instead of the one before; PlantedBug::none: none. Not while anything runs.
void plant(PlantedBug bug);
#else
// Nothing is ever planted but in the libraries of the option CHISME_PLANTED_BUGS: no code is left.
[[nodiscard]] constexpr bool planted(PlantedBug) {
  return false;
}
#endif

}  // namespace chisme
