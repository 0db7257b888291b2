#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/time.hpp"
#include "cluster/input.hpp"
#include "tests/simulation/scenario.hpp"

// What goes wrong in a run, all of it drawn before the run begins.
namespace chisme::simulation {

// Whose messages a partition swallows.
enum class Cutting : std::uint8_t {
  both_ways,
  mute,  // nothing from its victims arrives on the other side
  deaf,  // nothing from the other side arrives at its victims
};

enum class FaultKind : std::uint8_t {
  loss,             // of datagrams
  duplication,      // of datagrams
  delay,            // the mean; they overtake one another
  corruption,       // of datagrams
  partition,        // places of different sides do not reach each other
  clog,             // a link holds everything for a while, then delivers
  pause,            // a process stands still
  slow,             // processing and disk of one machine
  crash,            // the power of one machine fails
  mass_restart,     // of all
  strike,           // of all, right after a write was acknowledged; one of its disks may be lost
  lost_disk,        // a machine comes back with an empty disk, as another node
  cloned_disk,      // a second machine starts with a copy of a disk: two of one identity
  new_address,      // a machine comes back elsewhere
  swapped_address,  // two machines come back, one with the other's address
  skew,             // wall clocks apart from the beginning
  drift,            // clocks that run fast or slow
  jump,             // a wall clock jumps
  disk_full,        // no more objects for a while
  bit_rot,          // a stored object becomes corrupt
  old_version,      // nodes that speak an older protocol; some come back with another, or a newer
  small,            // shrunken buffers and timeouts
  leave,            // a node leaves, and comes back later
  fence,            // a disk fails to sync: its node writes nothing until it starts again
  late_join,        // machines that are started later than the others for the first time
  unhealed,         // when the faults end, a minority stays down, and clocks stay wrong
};
inline constexpr std::size_t fault_kinds = 26;
inline constexpr std::array<std::string_view, fault_kinds> fault_names{
    "loss",        "duplication", "delay",           "corruption",   "partition", "clog",
    "pause",       "slow",        "crash",           "mass_restart", "strike",    "lost_disk",
    "cloned_disk", "new_address", "swapped_address", "skew",         "drift",     "jump",
    "disk_full",   "bit_rot",     "old_version",     "small",        "leave",     "fence",
    "late_join",   "unhealed"};
using FaultKinds = std::bitset<fault_kinds>;

[[nodiscard]] inline std::string_view name_of(FaultKind kind) {
  return fault_names[static_cast<std::size_t>(kind)];
}
[[nodiscard]] std::optional<FaultKind> parse_fault_kind(std::string_view name);

struct FaultEvent {
  FaultKind kind = FaultKind::loss;
  unsigned number = 0;  // among those of its kind, from 1
  Duration from{};      // since the faults began
  Duration lasts{};     // zero: it is over at once
  std::vector<unsigned> victims;
  double amount = 0;       // what `describe` says
  std::uint64_t seed = 0;  // of whatever else is random about it
  // Of partitions.
  Cutting cutting = Cutting::both_ways;
  std::optional<cluster::Channel> only = {};  // that is cut; nullopt: both
  bool loses_disk = false;                    // of strikes: a disk with the write is gone
  // Of old_version. What the first one's victims speak from the beginning on; others' when they
  // come back.
  cluster::ProtocolVersions speaks{};
};
// "crash3"
[[nodiscard]] std::string id_of(FaultEvent const& event);
// "crash3 at 12.310 s for 4.200 s: node 3, 90 % of what is not synced is lost"
[[nodiscard]] std::string describe(FaultEvent const& event);

struct Schedule {
  std::vector<FaultEvent> events;  // by moment
};

// Each kind is on with a probability of one half, `small` with a quarter; in some runs there is
// only loss, duplication and delay.
[[nodiscard]] FaultKinds draw_kinds(std::uint64_t seed);
// Each kind is drawn from random numbers of its own: without one kind, or in a shorter
// run, the others stay what they are.
[[nodiscard]] Schedule draw_schedule(Scenario const& scenario, FaultKinds kinds);
[[nodiscard]] inline Schedule draw_schedule(Scenario const& scenario) {
  return draw_schedule(scenario, draw_kinds(scenario.seed));
}
// Whether there is only loss, duplication and delays, the latter small beside the time in which a
// node has to answer: then nobody may be held for dead.
[[nodiscard]] bool is_mild(Schedule const& schedule, Scenario const& scenario);
// The same, with so little loss that nodes that are told nothing new agree within seconds.
[[nodiscard]] bool is_fair(Schedule const& schedule, Scenario const& scenario);
// Those events only: "crash3" is one, "crash" all of a kind.
[[nodiscard]] Schedule only(Schedule const& schedule, std::vector<std::string> const& ids);

}  // namespace chisme::simulation
