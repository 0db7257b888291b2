#pragma once

#include <cstdint>

namespace chisme {

// PlantedBug names mistakes that the simulator must be able to find. Each has its site in the code
// (`if (planted(PlantedBug::x)) …`) and its row in tests/simulation/planted/planted_bugs.cpp, which
// says what it does and which check is to catch it.
enum class PlantedBug : std::uint8_t {
  none,
  // Membership.
  stale_news_is_taken,
  accuser_raises_incarnation,
  same_alive_revives,
  accusation_is_not_refuted,
  known_news_is_told_again,
  pause_is_not_noticed,
  wrong_target_is_ignored,
  old_address_is_kept,
  dead_are_not_called,
  namesake_is_ignored,
  stream_ping_is_not_sent,
  zone_is_forgotten,
  jitter_depends_on_the_process,
  // The wire.
  foreign_clusters_are_heard,
  damage_is_not_seen,
  datagrams_are_overfilled,
  // The catalogue.
  older_version_wins,
  tombstones_do_not_count,
  later_arrival_wins,
  duplicates_move_the_fingerprint,
  anti_entropy_timer_is_off,
  deltas_lose_a_record,
  clock_follows_any_version,
  own_log_restarts,
  // Writes, lookups, repair.
  one_copy_is_enough,
  participant_answers_before_the_sync,
  refused_write_is_finished,
  lost_commit_is_not_repeated,
  absent_without_a_majority,
  condition_is_not_checked,
  nothing_is_repaired,
  repairs_stay_counted,
  unverified_copies_are_removed,
  // The simulated host and its clients.
  save_is_answered_before_the_sync,
  torn_object_is_taken_for_whole,
  directory_is_not_synced,
  full_disk_says_stored,
  rotten_copy_is_a_source,
  rotten_copy_is_called_intact,
  bounce_goes_on,
  epoch_is_not_raised,
};

#ifdef CHISME_PLANTED_BUGS
// Whether `bug` is the one that was planted last. One thread.
[[nodiscard]] bool planted(PlantedBug bug);
// Plants `bug` instead of the one before; PlantedBug::none: none.
void plant(PlantedBug bug);
#else
// Nothing is ever planted but in the libraries of the option CHISME_PLANTED_BUGS: no code is left.
[[nodiscard]] constexpr bool planted(PlantedBug) {
  return false;
}
#endif

}  // namespace chisme
