#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/membership/member_table.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// How often a node of a cluster of so many living members calls one of them: above 32 the less
// often the more there are, so that the traffic of each stays bounded (as memberlist does).
[[nodiscard]] Duration push_pull_period(Profile const& profile, std::size_t members);

// PeerCalls decides whom to call by push-pull, and when: a random live member from time to time, so
// that tables cannot drift apart; and, for ever, the seeds, remembered peers and dead members at
// whose address nobody lives, so that no partition, however long, is for good.
//
// Of many living members each calls one of these addresses only so often that about
// `callers_wanted` of them do in each `reconnect_period`: somebody who comes back, or goes on after
// a pause, is to find a few calls and not one of everybody (serf does likewise).
//
// While this node is alone it calls its seeds at `probe_period`, doubling up to `reconnect_period`.
// Bounds: `calls_max` per round, drawn at random; of unknown senders each is called at most once a
// second, and all together `strangers_max` times a second: when a whole cluster restarts everybody
// is unknown to everybody, and what one answers about the others is gossiped. Of many who join at
// once only `tables_told_max` a second are told a whole table. The addresses of `graves_max`
// forgotten members are remembered. Pure; one thread owns it.
class PeerCalls {
 public:
  static constexpr std::size_t calls_max = 8;
  static constexpr std::size_t strangers_max = 8;
  static constexpr std::size_t tables_told_max = 8;
  static constexpr std::size_t graves_max = 64;
  static constexpr std::size_t callers_wanted = 8;
  static constexpr Duration recent_period = std::chrono::seconds{1};

  PeerCalls(Profile const& profile, NodeId self, Endpoint own, std::vector<Endpoint> const& seeds,
            Random random, Instant now);

  // Somebody to be called. A member that `is_level` knows, by all we know, what we know: comparing
  // digests will do.
  struct Call {
    Endpoint endpoint;
    bool is_level = false;
  };
  // Appends to `out` who is to be called now.
  void tick(Instant now, MemberTable const& members, std::vector<Call>& out);
  [[nodiscard]] Instant deadline() const { return std::min(next_push_pull_, next_reconnect_); }

  // Goes on calling the address of a member that is forgotten: it has been dead for so long, and
  // may still be on the other side of a cut. The one that was remembered first gives way.
  void remember(Endpoint const& endpoint);
  // May an unknown sender at `endpoint` be called? Counts as a call if so.
  bool may_call(Endpoint const& endpoint, Instant now);
  // May somebody who asks be told the whole table? Counts as told if so.
  bool may_tell_all(Instant now);
  // The last table brought members: the next push-pull follows within about a probe period.
  void hurry(Instant now);
  [[nodiscard]] std::vector<Endpoint> const& seeds() const { return seeds_; }
  [[nodiscard]] std::deque<Endpoint> const& graves() const { return graves_; }
  void add_sizes(TableSizes& out) const {
    out.push_back({"addresses of the forgotten", graves_.size(), graves_max});
    out.push_back({"unknown senders that were called", recent_.size(), strangers_max});
  }

 private:
  void push_pull(Instant now, MemberTable const& members, std::vector<Call>& out);
  void reconnect(Instant now, MemberTable const& members, std::vector<Call>& out);

  Profile profile_;
  NodeId self_;
  Random random_;
  std::vector<Endpoint> seeds_;  // this node's own address is not among them
  std::deque<Endpoint> graves_;  // of members that are forgotten
  Duration lonely_period_;       // grows while alone
  Instant next_push_pull_;
  Instant next_reconnect_;
  std::map<Endpoint, Instant> recent_;
  Instant tables_since_{};  // when the second began in which `tables_told_` were told
  std::size_t tables_told_ = 0;
};

}  // namespace chisme::cluster
