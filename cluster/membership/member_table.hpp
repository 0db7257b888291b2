#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/base/id_map.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// What is known of one node.
struct Member {
  // The last one told, but with the epoch and incarnation of the newest news; a run_nonce of 0 says
  // that no Alive of that epoch has been seen.
  AliveRecord alive;
  MemberState state = MemberState::alive;
  Instant state_since{};
  Duration round_trip{};  // of pings, smoothed; 0 until one was answered
  Instant alive_since{};  // when it came, or came back: a refuted suspicion does not move it
};

// News about one node, with what orders it.
using News = std::variant<AliveRecord, SuspectRecord, DeadRecord, LeftRecord>;

// Where news stands in the order of (epoch, incarnation, rank), alive < suspect < dead < left.
// `Left` is its node's last word in an epoch: it counts as the epoch's highest incarnation.
struct NewsKey {
  Epoch epoch;
  Incarnation incarnation;
  MemberState rank = MemberState::alive;
  friend auto operator<=>(NewsKey const&, NewsKey const&) = default;
};
[[nodiscard]] NewsKey key_of(News const& news);
[[nodiscard]] NewsKey key_of(Member const& member);
[[nodiscard]] NodeId node_of(News const& news);
// Alive or suspect: probed, gossiped to, counted.
[[nodiscard]] inline bool is_live(MemberState state) {
  return state == MemberState::alive || state == MemberState::suspect;
}

// MemberTable keeps each node's newest news. What is stored never goes down, so merging is
// commutative, associative and idempotent for every node whose Alive has been seen; other news of
// unknown nodes is dropped, because nobody could call them.
//
// Bounds: `members_max` members. A full table forgets who left first, then who is longest dead.
// Tombstones are kept for `left_kept` or `dead_kept` and told to others for the first half of it
// only: were they told as long as they are kept, two nodes could pass one back and forth for ever.
//
// Counts and samples are kept up with each change, so that asking for them costs the same in a
// cluster of any size; only `reap` and a full table's forgetting walk over all members.
// Pure; one thread owns it.
class MemberTable {
 public:
  MemberTable() = default;
  MemberTable(MemberTable const&) = delete;  // `living_` points into the map
  MemberTable& operator=(MemberTable const&) = delete;
  MemberTable(MemberTable&&) = default;
  MemberTable& operator=(MemberTable&&) = default;
  ~MemberTable() = default;

  static constexpr Duration left_kept = std::chrono::hours{24};
  static constexpr Duration dead_kept = std::chrono::hours{24 * 7};
  // An honest node raises its incarnation by one per refutation: a larger jump is damage.
  static constexpr std::uint32_t incarnation_jump_max = 1u << 20;

  enum class Outcome : std::uint8_t {
    unchanged,  // older than, or the same as, what is stored
    changed,    // stored: worth telling others
    refused,    // of an unknown node, an absurd jump, or the table is full
  };
  Outcome apply(News const& news, Instant now);

  // A ping of this member took so long.
  void measured(NodeId id, Duration round_trip);
  // How long a datagram to or from this member travels: half of what pings take; what those of
  // others take, if it was not measured yet.
  [[nodiscard]] Duration travel_time(NodeId id) const;

  // Forgets tombstones that have been kept long enough, and returns whose they were.
  std::vector<Member> reap(Instant now);
  [[nodiscard]] static bool is_told(Member const& member, Instant now);

  [[nodiscard]] Member const* find(NodeId id) const;
  [[nodiscard]] std::map<NodeId, Member> const& all() const { return members_; }
  // Members that are alive or suspect; `living` in no particular order, valid until the next
  // change.
  [[nodiscard]] std::size_t live() const { return living_.size(); }
  [[nodiscard]] std::span<Member const* const> living() const { return living_; }
  // Up to `wanted` of the living, drawn at random, none of them twice and none that is `left_out`.
  [[nodiscard]] std::vector<Member const*> sample(std::size_t wanted,
                                                  std::span<NodeId const> left_out,
                                                  Random& random) const;
  [[nodiscard]] std::size_t count(MemberState state) const {
    return counts_[static_cast<std::size_t>(state)];
  }
  // The dead at whose address somebody lives: they lost their disks, and with them their identity.
  [[nodiscard]] std::size_t replaced() const { return replaced_; }
  // Is a member that is alive or suspect / any member at all known at this address?
  [[nodiscard]] bool is_inhabited(Endpoint const& endpoint) const;
  [[nodiscard]] bool is_known(Endpoint const& endpoint) const {
    return residents_.contains(endpoint);
  }
  // Moves whenever the table does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // Who changed, came or was forgotten since the last call; of each call of the core few.
  [[nodiscard]] std::set<NodeId> take_changed() { return std::exchange(changed_, {}); }
  // Moves whenever it changes where those who have not left are.
  [[nodiscard]] std::uint64_t moves() const { return moves_; }
  // The addresses at which somebody is dead, in order; somebody else may live there.
  template <class Take>
  void for_each_grave(Take take) const {
    if (count(MemberState::dead) == 0) return;
    for (auto const& [endpoint, residents] : residents_) {
      if (residents.dead > 0) take(endpoint);
    }
  }

 private:
  // Who is known at one address.
  struct Residents {
    std::size_t live = 0;
    std::size_t dead = 0;
    std::size_t left = 0;
    [[nodiscard]] std::size_t replaced() const { return live > 0 ? dead : 0; }
    [[nodiscard]] bool nobody() const { return live + dead + left == 0; }
    std::size_t& of(MemberState state);
  };
  Outcome insert(AliveRecord const& alive, Instant now);
  void store(Member& member, News const& news, Instant now);
  bool make_room();
  // Around each change of a member: out of the books, and in again.
  void strike(Member const& member);
  void enter(Member const& member);
  void bury(Member const& member);
  void note_change(NodeId id);
  [[nodiscard]] Member* look_up(NodeId id) const;

  std::map<NodeId, Member> members_;
  IdMap<Member*> index_;  // of `members_`: each message looks up some
  std::vector<Member const*> living_;
  std::array<std::size_t, 4> counts_{};
  std::map<Endpoint, Residents> residents_;
  std::size_t replaced_ = 0;
  std::uint64_t changes_ = 0;
  std::set<NodeId> changed_;
  std::uint64_t moves_ = 0;
  Duration typical_round_trip_{};
};

}  // namespace chisme::cluster
