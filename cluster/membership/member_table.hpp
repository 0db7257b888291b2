#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <variant>

#include "cluster/base/identity.hpp"
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
// Pure; one thread owns it.
class MemberTable {
 public:
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

  // Forgets tombstones that have been kept long enough. True if any was.
  bool reap(Instant now);
  [[nodiscard]] static bool is_told(Member const& member, Instant now);

  [[nodiscard]] Member const* find(NodeId id) const;
  [[nodiscard]] std::map<NodeId, Member> const& all() const { return members_; }
  // Members that are alive or suspect.
  [[nodiscard]] std::size_t live() const { return live_; }
  // Moves whenever the table does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  Outcome insert(AliveRecord const& alive, Instant now);
  void store(Member& member, News const& news, Instant now);
  bool make_room();

  std::map<NodeId, Member> members_;
  std::size_t live_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace chisme::cluster
