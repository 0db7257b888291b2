#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/membership/member_table.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// FailureDetector asks members whether they are there (SWIM, 4.3) and says who did not answer.
//
// Every `probe_period` the next member of a shuffled round is pinged. Without an answer after
// `probe_timeout`, three others are asked to ping it and it is pinged by stream at the same time;
// without any answer by the end of the period the probe has failed. As a helper it answers with an
// Ack, or with a Nack at 80 % of the timeout, so that the asker knows that the helper lives.
//
// Local health (Lifeguard, 4.1) is 0 (well) .. 7: failures that may be this node's own fault raise
// it, good probes lower it; its periods and timeouts are multiplied by health + 1.
//
// The pings that it appends have no piggyback; the facade adds it. It only reads the member table.
// Bounds: `probes_max` probes and `relays_max` relayed pings at once;
// more are not begun. Pure; one thread owns it.
class FailureDetector {
 public:
  static constexpr std::size_t probes_max = 16;
  static constexpr std::size_t relays_max = 256;
  static constexpr unsigned helpers_wanted = 3;
  static constexpr std::uint8_t health_max = 7;

  FailureDetector(Profile const& profile, NodeId self, Random random, Instant now);

  // Acts on every deadline not after `now`; appends to `failed` whoever did not answer.
  void tick(Instant now, MemberTable const& members, Effects& out, std::vector<NodeId>& failed);
  [[nodiscard]] Instant deadline() const;

  // Probes `id` now, out of turn: somebody suspects it, or a stream to it broke.
  void probe_now(NodeId id, Instant now, MemberTable const& members, Effects& out);

  // Answers to pings of ours. An answer that nobody waits for is ignored. Returns how long a ping
  // took that the target answered itself, by datagram.
  std::optional<Duration> handle(Ack const& ack, Envelope const& from, Instant now, Effects& out);
  void handle(Nack const& nack, Envelope const& from);
  // Appends the target to `failed`: its address belongs to somebody else now.
  void handle(WrongTarget const& wrong, Envelope const& from, std::vector<NodeId>& failed);
  // Somebody asks for help.
  void handle(PingReq const& request, Envelope const& from, Instant now, MemberTable const& members,
              Effects& out);

  // Forgets the probes in flight and their verdicts: this node was paused.
  void forgive(Instant now);
  // Lifeguard: one more, or one fewer, sign that this node itself is slow.
  void worsen();
  void improve();
  [[nodiscard]] std::uint8_t local_health() const { return health_; }
  void add_sizes(TableSizes& out) const {
    out.push_back({"members to be probed", round_.size(), members_max});
    out.push_back({"probes", probes_.size(), probes_max});
    out.push_back({"relayed pings", relays_.size(), relays_max});
  }

 private:
  struct Probe {
    NodeId target;
    Endpoint endpoint;
    Instant asks_others{};  // when the direct ping has timed out
    Instant fails{};
    Instant begun{};
    bool others_asked = false;
    std::set<NodeId> helpers;
    std::set<NodeId> nacks;
  };
  struct Relay {
    NodeId target;
    std::uint64_t sequence = 0;  // the asker's
    Endpoint asker;
    Instant nack_at{};
    Instant ends{};
    bool nacked = false;
  };

  [[nodiscard]] Duration scaled(Duration duration) const { return duration * (health_ + 1); }
  void begin(Member const& target, Instant now, MemberTable const& members, Effects& out);
  void begin_next(Instant now, MemberTable const& members, Effects& out);
  void ask_others(std::uint64_t sequence, Probe& probe, MemberTable const& members, Effects& out);
  void tick_probes(Instant now, MemberTable const& members, Effects& out,
                   std::vector<NodeId>& failed);
  void tick_relays(Instant now, Effects& out);
  void refill(MemberTable const& members);
  [[nodiscard]] Ping ping_for(std::uint64_t sequence, NodeId target,
                              MemberTable const& members) const;

  Profile profile_;
  NodeId self_;
  Random random_;
  std::uint8_t health_ = 0;
  std::uint64_t next_sequence_;
  Instant next_probe_;
  std::vector<NodeId> round_;              // who is still to be probed in this round, last first
  std::map<std::uint64_t, Probe> probes_;  // by our sequence
  std::map<std::uint64_t, Relay> relays_;  // by our sequence
};

}  // namespace chisme::cluster
