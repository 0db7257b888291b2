#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "cluster/access/access_state.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Access brings the cluster's AccessState to every node and to this one's disk.
//
// What is new is told by datagrams at once, and then at the gossip period: each piece to a few
// members chosen by chance, O(log n) times, as whoever hears it does. What that missed, because of
// a partition or a death, is found by comparison: each node sends the fingerprint of its state to
// one member a second, and to each member that it meets; where they differ, both send all they
// have, by streams. A cluster without revocations and counted links says nothing of this. Members
// that speak too old a version are left out.
//
// What has ended is kept for a day more, so that a node whose clock is behind by less than that
// finds nothing valid again that was revoked.
//
// Pure; one thread owns it. Never throws.
class Access {
 public:
  static constexpr Duration compare_period = std::chrono::seconds{1};
  static constexpr std::size_t told_at_once = 20;   // pieces of news in a datagram
  static constexpr std::size_t waiting_max = 1024;  // revocations that wait for the disk
  static constexpr std::chrono::hours kept_after{24};
  // No credential ends later than in so long.
  static constexpr std::chrono::hours life_max{24 * 367};

  Access(Profile const& profile, NodeId self, AccessNews const& stored, WallTime wall,
         Random random, Instant now);

  // Answered by RevokeFinished once it is on the disk here. Faults: busy (the tables are full),
  // invalid (it ends too late), unavailable (the disk failed; others are told all the same).
  void handle(RevokeRequested const& request, Situation const& now, Effects& out);
  void handle(LinkUsed const& used, Situation const& now, Effects& out);
  void handle(AccessSaved const& saved, Situation const& now, Effects& out);
  // The disk failed: nothing is saved any more.
  void fence(Effects& out);
  // Of the others `received` would make nothing.
  [[nodiscard]] static bool concerns(Message const& message) {
    return std::holds_alternative<AccessNews>(message) ||
           std::holds_alternative<AccessDigest>(message);
  }
  void received(Envelope const& envelope, Situation const& now, Effects& out);
  // Of these members there is news.
  void meet(std::span<NodeId const> members, Situation const& now, Effects& out);
  void set_wall(WallTime wall);
  void tick(Situation const& now, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;

  // As it is now; never null.
  [[nodiscard]] std::shared_ptr<AccessState const> state() const { return published_; }
  // Moves whenever `state` does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  void add_sizes(TableSizes& out) const;

 private:
  // A revocation, or what one node says of one link.
  struct Piece {
    bool is_revocation = false;
    CredentialKind kind = CredentialKind::token;
    std::uint64_t id = 0;
    NodeId node;
    friend auto operator<=>(Piece const&, Piece const&) = default;
  };

  void take(AccessNews const& news, Situation const& now, Effects& out);
  void changed(std::vector<Piece> const& fresh, Situation const& now, Effects& out);
  void save(Effects& out);
  void tell(Situation const& now, Effects& out);
  void compare(MemberView const& member, Effects& out) const;
  void send_all(Endpoint const& to, Effects& out) const;
  [[nodiscard]] bool is_over(WallTime until) const;
  [[nodiscard]] std::vector<MemberView const*> some(std::size_t count, Situation const& now);

  Duration gossip_period_;
  std::size_t fanout_;
  NodeId self_;
  Random random_;
  WallTime wall_;
  AccessState state_;
  std::shared_ptr<AccessState const> published_;
  std::uint64_t changes_ = 0;
  std::uint64_t fingerprint_ = 0;
  std::map<Piece, unsigned> news_;  // how often each is told yet
  Instant next_news_;
  Instant next_compare_;
  std::uint64_t saves_ = 0;  // how many were begun
  bool saving_ = false;
  bool unsaved_ = false;  // something changed since the last one began
  bool fenced_ = false;
  std::vector<RevokeId> waiting_;  // for the next save
  std::vector<RevokeId> written_;  // by the save under way
};

}  // namespace chisme::cluster
