#include "tests/simulation/planted/planted_bugs.hpp"

#include <algorithm>
#include <bit>

namespace chisme::simulation {
namespace {

using enum Invariant;
using enum FaultKind;
using Bug = PlantedBug;

constexpr PlantedRow rows[] = {
    // Membership.
    {Bug::stale_news_is_taken, "stale_news_is_taken", "member_table.cpp",
     "older news replaces newer news", any_of({news_never_goes_back}), clog, 8},
    {Bug::stale_news_is_taken, "stale_news_is_taken", "member_table.cpp",
     "older news replaces newer news",
     any_of({news_never_goes_back, no_resurrection, merges_commute}), delay, 16},
    {Bug::same_alive_revives, "same_alive_revives", "member_table.cpp",
     "the Alive that a death answered makes its node live again", any_of({no_resurrection}),
     partition, 8},
    {Bug::old_address_is_kept, "old_address_is_kept", "member_table.cpp",
     "a node that moved is called where it was", any_of({views_agree, nothing_pending}),
     new_address, 4},
    {Bug::old_address_is_kept, "old_address_is_kept", "member_table.cpp",
     "a node that moved is called where it was", any_of({views_agree, nothing_pending}),
     swapped_address, 4},
    {Bug::accuser_raises_incarnation, "accuser_raises_incarnation", "swim_news.cpp",
     "who suspects a node raises its incarnation", any_of({only_the_owner_raises}), pause, 4},
    {Bug::accuser_raises_incarnation, "accuser_raises_incarnation", "swim_news.cpp",
     "who suspects a node raises its incarnation", any_of({only_the_owner_raises}), clog, 8},
    {Bug::accusation_is_not_refuted, "accusation_is_not_refuted", "swim_news.cpp",
     "a node that is called suspect or dead says nothing", any_of({views_agree, nothing_pending}),
     partition, 4},
    {Bug::known_news_is_told_again, "known_news_is_told_again", "swim_news.cpp",
     "news that changed nothing is gossiped on",
     any_of({traffic_within_budget, idle_traffic_normal}), std::nullopt, 2},
    {Bug::known_news_is_told_again, "known_news_is_told_again", "swim_news.cpp",
     "news that changed nothing is gossiped on", any_of({idle_traffic_normal}), std::nullopt, 2},
    {Bug::namesake_is_ignored, "namesake_is_ignored", "swim.cpp, core.cpp",
     "two processes with one identity live side by side",
     any_of({news_never_goes_back, views_agree, no_resurrection}), cloned_disk, 4},
    {Bug::jitter_depends_on_the_process, "jitter_depends_on_the_process", "peer_calls.cpp",
     "a period depends on what the process did before", any_of({replay_is_identical}), std::nullopt,
     1},
    {Bug::no_ping_by_stream, "no_ping_by_stream", "failure_detector.cpp",
     "whom no datagram reaches is not asked by stream", any_of({views_agree, nothing_pending}),
     std::nullopt, 1, Setting::by_streams},
    {Bug::anybody_answers, "anybody_answers", "swim.cpp, failure_detector.cpp",
     "a node answers pings for the one that was at its address before", any_of({views_agree}),
     lost_disk, 48},
    {Bug::left_is_for_ever, "left_is_for_ever", "member_table.cpp",
     "a node that left is never a member again", any_of({views_agree}), leave, 4},
    {Bug::suspicion_gives_no_time, "suspicion_gives_no_time", "suspicion.cpp",
     "a suspect is dead before it can answer", any_of({no_false_death}), loss, 8},
    {Bug::nobody_is_a_majority, "nobody_is_a_majority", "swim.cpp",
     "a node that has met none of its peers says that there is no such file", any_of({contract}),
     late_join, 24},
    // The wire.
    {Bug::datagrams_are_overfilled, "datagrams_are_overfilled", "swim.cpp",
     "more is piggybacked than fits", any_of({within_bounds}), std::nullopt, 24},
    {Bug::foreign_clusters_are_heard, "foreign_clusters_are_heard", "codec.cpp",
     "messages of another cluster are taken", any_of({foreign_changes_nothing}), std::nullopt, 1},
    {Bug::damage_is_not_seen, "damage_is_not_seen", "codec.cpp",
     "the checksum of a frame is not compared",
     any_of({foreign_changes_nothing, only_the_owner_raises}), corruption, 8},
    {Bug::new_kinds_go_to_old_nodes, "new_kinds_go_to_old_nodes", "codec.cpp",
     "a node that does not know a kind of message is sent it", any_of({contract}), old_version, 4},
    // The catalogue.
    {Bug::older_version_wins, "older_version_wins", "record_tables.cpp",
     "the last version to arrive stays", any_of({versions_never_decrease}), std::nullopt, 4},
    {Bug::tombstones_do_not_count, "tombstones_do_not_count", "record_tables.cpp",
     "an old Put brings a removed name back", any_of({removed_stays_removed}), partition, 16},
    {Bug::duplicates_move_the_fingerprint, "duplicates_move_the_fingerprint", "record_tables.cpp",
     "a record that comes twice changes the fingerprint", any_of({merges_commute}), duplication, 2},
    {Bug::gossip_is_enough, "gossip_is_enough", "anti_entropy.cpp",
     "nobody asks for what gossip lost", any_of({catalogues_agree}), loss, 4},
    {Bug::turns_are_left_out, "turns_are_left_out", "anti_entropy.cpp",
     "nobody is asked but those whose fingerprint differs", any_of({catalogues_agree}),
     std::nullopt, 2, Setting::by_streams},
    {Bug::everything_is_told, "everything_is_told", "anti_entropy.cpp",
     "who asks what it lacks is told all there is", any_of({traffic_within_budget}), std::nullopt,
     4},
    {Bug::holding_epochs_do_not_count, "holding_epochs_do_not_count", "record_tables.cpp",
     "a holder's later word counts by its number alone, which begins anew with each start",
     any_of({copies_complete, catalogues_agree}), mass_restart, 16},
    {Bug::clock_follows_anybody, "clock_follows_anybody", "hybrid_clock.cpp",
     "a version from the far future drags others' clocks along", any_of({within_bounds}), skew, 4},
    {Bug::version_is_the_wall_clock, "version_is_the_wall_clock",
     "hybrid_clock.cpp, catalogue.cpp, write_participant.cpp",
     "a new version may be older than the one that it replaces",
     any_of({versions_never_decrease, no_acknowledged_write_lost}), jump, 16},
    {Bug::version_is_the_wall_clock, "version_is_the_wall_clock",
     "hybrid_clock.cpp, catalogue.cpp, write_participant.cpp",
     "a new version may be older than the one that it replaces",
     any_of({versions_never_decrease, no_acknowledged_write_lost}), skew, 4},
    {Bug::version_is_the_wall_clock, "version_is_the_wall_clock",
     "hybrid_clock.cpp, catalogue.cpp, write_participant.cpp",
     "a new version may be older than the one that it replaces",
     any_of({versions_never_decrease, no_acknowledged_write_lost}), drift, 24},
    // Writes, lookups, copies.
    {Bug::one_copy_is_enough, "one_copy_is_enough", "write_coordinator.cpp",
     "a write is acknowledged before anybody else has it", any_of({no_acknowledged_write_lost}),
     lost_disk, 4},
    {Bug::participant_answers_before_the_sync, "participant_answers_before_the_sync",
     "write_participant.cpp", "a holder says that a record is durable before it is",
     any_of({no_acknowledged_write_lost}), mass_restart, 4},
    {Bug::participant_answers_before_the_sync, "participant_answers_before_the_sync",
     "write_participant.cpp", "a holder says that a record is durable before it is",
     any_of({no_acknowledged_write_lost}), slow, 4},
    {Bug::refused_write_is_finished, "refused_write_is_finished", "write_coordinator.cpp",
     "a write that is refused becomes visible", any_of({refused_stays_invisible}), skew, 4},
    {Bug::late_write_is_called_refused, "late_write_is_called_refused", "write_coordinator.cpp",
     "a write that may still succeed is called refused", any_of({refused_stays_invisible}), pause,
     24},
    {Bug::condition_is_not_checked, "condition_is_not_checked", "write_coordinator.cpp",
     "If-Match is not looked at", any_of({refused_stays_invisible}), std::nullopt, 2},
    {Bug::absent_without_a_majority, "absent_without_a_majority", "lookups.cpp",
     "a node cut off from most others says that there is no such file", any_of({contract}),
     partition, 8},
    {Bug::nothing_is_repaired, "nothing_is_repaired", "repairer.cpp", "no copies are made",
     any_of({copies_complete}), std::nullopt, 1},
    {Bug::repairs_stay_counted, "repairs_stay_counted", "repairer.cpp",
     "repairs that are done count as pending", any_of({nothing_pending}), std::nullopt, 1},
    {Bug::the_dead_count_as_copies, "the_dead_count_as_copies", "repairer.cpp",
     "copies on dead nodes are not made again", any_of({copies_complete}), unhealed, 4},
    {Bug::needed_copies_are_removed, "needed_copies_are_removed", "trimmer.cpp, disposal.cpp",
     "a copy goes although it is needed, and without asking whether the others are whole",
     any_of({no_removal_without_others}), std::nullopt, 2},
    {Bug::transfers_are_not_limited, "transfers_are_not_limited", "fetcher.cpp",
     "a node fetches as much at once as it is asked to", any_of({within_bounds}), small, 4},
    {Bug::askers_are_not_forgotten, "askers_are_not_forgotten", "fetcher.cpp",
     "who waits for a copy is told of it, and waits on", any_of({nothing_pending}), std::nullopt,
     2},
    {Bug::table_is_not_bounded, "table_is_not_bounded", "verifier.cpp",
     "a node remembers any number of copies that it has read", any_of({within_bounds}), small, 4},
    {Bug::surplus_stays, "surplus_stays", "trimmer.cpp", "copies beyond R are never removed",
     any_of({copies_complete}), crash, 4},
    {Bug::unreferenced_stays, "unreferenced_stays", "unreferenced.cpp",
     "what no name refers to is never removed", any_of({copies_complete}), std::nullopt, 1},
    {Bug::nothing_is_handed_over, "nothing_is_handed_over", "departure.cpp",
     "a node leaves with the only copies", any_of({no_removal_without_others}), leave, 4},
    // Credentials of clients.
    {Bug::revocations_are_not_kept, "revocations_are_not_kept", "access.cpp",
     "a node does not read from its disk what was revoked", any_of({revoked_stays_revoked}), crash,
     32, Setting::revoking},
    {Bug::revocations_are_not_compared, "revocations_are_not_compared", "access.cpp",
     "who was away when something was revoked does not hear of it", any_of({revoked_stays_revoked}),
     late_join, 8, Setting::revoking},
    // The simulated host and its clients.
    {Bug::save_is_answered_before_the_sync, "save_is_answered_before_the_sync", "host.cpp",
     "the catalogue's records are called durable before they are",
     any_of({no_acknowledged_write_lost}), crash, 8},
    {Bug::last_save_wins, "last_save_wins", "disk.cpp",
     "an older record that is saved later replaces a newer one on disk",
     any_of({no_acknowledged_write_lost, removed_stays_removed}), crash, 32},
    {Bug::torn_object_is_taken_for_whole, "torn_object_is_taken_for_whole", "disk.cpp",
     "an object that was not synced counts after a power failure", any_of({served_bytes_match}),
     crash, 8},
    {Bug::directory_is_not_synced, "directory_is_not_synced", "disk.cpp",
     "an object is synced, the directory that names it is not",
     any_of({no_acknowledged_write_lost, copies_complete}), strike, 8},
    {Bug::epoch_is_not_raised, "epoch_is_not_raised", "disk.cpp",
     "a node starts again with the epoch that it had",
     any_of({contract, views_agree, catalogues_agree, news_never_goes_back, copies_complete}),
     mass_restart, 8},
    {Bug::full_disk_says_stored, "full_disk_says_stored", "host.cpp",
     "an object that found no room counts as stored",
     any_of(
         {served_bytes_match, corrupt_is_no_source, no_acknowledged_write_lost, copies_complete}),
     disk_full, 4},
    {Bug::broken_transfer_counts, "broken_transfer_counts", "host.cpp",
     "what a transfer brings is not compared with its digest", any_of({corrupt_is_no_source}),
     std::nullopt, 2},
    {Bug::rotten_copy_is_called_intact, "rotten_copy_is_called_intact", "host.cpp",
     "a scrub finds nothing", any_of({copies_complete, no_removal_without_others}), bit_rot, 4},
    {Bug::failed_sync_is_ignored, "failed_sync_is_ignored", "host.cpp",
     "a disk that fails to sync is written to as before", any_of({no_acknowledged_write_lost}),
     fence, 4},
    {Bug::bounce_goes_on, "bounce_goes_on", "readers.cpp", "a bounced request is bounced again",
     any_of({redirects_end}), slow, 40},
};

constexpr bool every_bug_has_a_row() {
  for (std::size_t bug = 1; bug < planted_bugs; ++bug) {
    bool const has_one = std::ranges::any_of(
        rows, [&](PlantedRow const& row) { return row.bug == static_cast<PlantedBug>(bug); });
    if (!has_one) return false;
  }
  return true;
}

// Of which it alone has to find the mistake: another that finds it too would hide that it does not.
constexpr bool every_invariant_has_a_row() {
  std::uint32_t found = 1;  // `contract` has no number in the design
  for (PlantedRow const& row : rows) {
    if (std::has_single_bit(row.found_by)) found |= row.found_by;
  }
  return found == (1u << invariants) - 1;
}

constexpr bool every_fault_kind_has_a_row() {
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    bool const has_one = std::ranges::any_of(
        rows, [&](PlantedRow const& row) { return row.needs == static_cast<FaultKind>(kind); });
    if (!has_one) return false;
  }
  return true;
}

static_assert(every_bug_has_a_row());
static_assert(every_invariant_has_a_row());
static_assert(every_fault_kind_has_a_row());

}  // namespace

std::span<PlantedRow const> planted_rows() {
  return rows;
}

}  // namespace chisme::simulation
