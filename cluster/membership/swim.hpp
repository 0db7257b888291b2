#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/membership/dissemination.hpp"
#include "cluster/membership/failure_detector.hpp"
#include "cluster/membership/member_table.hpp"
#include "cluster/membership/peer_calls.hpp"
#include "cluster/membership/peer_memory.hpp"
#include "cluster/membership/suspicion.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Swim is one node's membership: who is in the cluster, and the gossip that carries every small
// record (SWIM, DSN 2002; Lifeguard, arXiv 1707.00788; push-pull as in memberlist).
//
// Give it every envelope that arrives, first: it acts on the membership messages and on the records
// in Ping, Ack and Gossip, and learns of senders that it does not know (it calls them by push-pull,
// it does not take their word). It appends Send, Announce{MemberChanged}, SavePeers and Stop.
//
// The table includes this node. A suspicion is cleared by a higher incarnation only, which only the
// suspect itself gives out; it learns of its accusation from every ping, ack and gossip that the
// accuser sends it, and answers each (Lifeguard's buddy system, and more: where many packets are
// lost the one refutation may reach all but one, who would declare a death).
//
// A node with which there is no common protocol version is refused: it becomes no member (one that
// was a member becomes a dead one), its news is not told on, and it is answered with a greeting
// that lets it see why. Each of the two announces it. Whoever can work with both keeps both.
//
// News is told at once, and then at `gossip_period` while there is some; what is no hurry, loads
// and the catalogue's fingerprint, goes out at `gossip_period` to one member. Pure; one thread owns
// it. Never throws.
class Swim {
 public:
  // A node that is refused is announced this often at most.
  static constexpr Duration refused_period = std::chrono::minutes{10};
  static constexpr std::size_t refused_max = 64;
  // A node that we hold for dead and that talks to us is told so this often at most.
  static constexpr Duration told_dead_period = std::chrono::seconds{5};
  // How long `Left` is repeated before the node ends.
  static constexpr Duration leave_period = std::chrono::seconds{5};

  // A changed list of peers is saved this often at most.
  static constexpr Duration save_period = std::chrono::seconds{2};

  // `seeds` are the configured peers, `remembered` those of the last run; this node itself among
  // them is ignored. Those that are missed (PeerMemory) count for `in_touch`.
  Swim(Profile const& profile, Self const& self, std::vector<Endpoint> const& seeds, Random random,
       Instant now, ProtocolVersions versions = spoken_versions,
       std::vector<KnownPeer> const& remembered = {});

  // Appends to `carried` the load and catalogue records that came along.
  void handle(Envelope const& envelope, Channel channel, Instant now, Effects& out,
              std::vector<Record>& carried);
  // A stream to `endpoint` could not be opened or broke.
  void unreachable(Endpoint const& endpoint, Instant now, Effects& out);
  // There are peers to be `found`: to have met none of them is to be out of touch. Call it first.
  void expect_peers() { had_peers_ = expects_peers_ = true; }
  // Somebody announced itself who is to be called as a seed is, and is not missed if it is nobody.
  // It counts as one of the unknown senders that are called (PeerCalls).
  void found(Endpoint const& endpoint, Instant now, Effects& out);
  void tick(Instant now, Effects& out);
  // Never, once it has said Stop.
  [[nodiscard]] Instant deadline() const;

  // Queues a load or catalogue record for gossip. The caller gives what changed its own state only.
  void tell(Record record, Instant now);
  // What Acks carry, and what Gossip says of the catalogue.
  void set_load(LoadRecord const& load) { load_ = load; }
  void set_catalogue_fingerprint(std::uint64_t fingerprint);
  // Gossip said that its sender has the same catalogue as this node, or another.
  void heard_of_catalogue(bool same);

  // Tells everybody to give this node no new placements and clients.
  void set_draining(bool draining, Instant now, Effects& out);
  // Says farewell; after `leave_period` comes Stop{failed = false}.
  void leave(Instant now, Effects& out);
  // The process ends, and may come back: those who hear it hold this node for dead from now on.
  // Nothing is said or answered afterwards.
  void end(Effects& out);
  // Ends this node without a farewell. Does nothing when it has stopped already.
  void stop(Stop what, Effects& out);

  [[nodiscard]] AliveRecord const& self() const { return self_; }
  // Every node known, this one included, by id.
  [[nodiscard]] std::map<NodeId, Member> const& members() const { return table_.all(); }
  // nullptr when it is no member.
  [[nodiscard]] Member const* find(NodeId id) const { return table_.find(id); }
  // Moves whenever `members` does.
  [[nodiscard]] std::uint64_t changes() const { return table_.changes(); }
  // Who changed, came or was forgotten since the last call.
  [[nodiscard]] std::set<NodeId> take_changed() { return table_.take_changed(); }
  [[nodiscard]] std::uint8_t local_health() const { return detector_.local_health(); }
  // A load that `teller` sent, as old as it was on arrival: it travelled for half of what a ping to
  // `teller` takes. The records in `carried` have been through this.
  [[nodiscard]] LoadRecord arrived(LoadRecord load, NodeId teller) const;
  // A majority of the members not known to have left, or to be replaced, are alive. False for a
  // node that has peers to call and has met none of them.
  [[nodiscard]] bool in_touch() const;
  // How many of the peers that it was to meet are still missed.
  [[nodiscard]] std::size_t missed() const { return memory_.missed(table_.all().size() - 1); }
  // Another member is known, or peers were configured or remembered.
  [[nodiscard]] bool ever_had_peers() const;
  void add_sizes(TableSizes& out) const {
    out.push_back({"members", table_.all().size(), members_max});
    out.push_back({"members that were told they are dead", told_dead_.size(), members_max});
    out.push_back({"members that are refused", refused_.size(), refused_max});
    memory_.add_sizes(out);
    detector_.add_sizes(out);
    suspicions_.add_sizes(table_.all().size(), out);
    dissemination_.add_sizes(out);
    calls_.add_sizes(out);
  }

 private:
  // Messages.
  void receive(Ping const& ping, Envelope const& from, Channel channel, Instant now, Effects& out,
               std::vector<Record>& carried);
  void receive(Ack const& ack, Envelope const& from, Instant now, Effects& out,
               std::vector<Record>& carried);
  void receive(WrongTarget const& wrong, Envelope const& from, Instant now, Effects& out);
  void receive(PushPull const& push, Envelope const& from, Instant now, Effects& out);
  void receive(MembersDigest const& heard, Envelope const& from, Instant now, Effects& out);
  void receive(MembersDelta const& heard, Envelope const& from, Instant now, Effects& out);
  void hear_namesake(Envelope const& envelope, Instant now, Effects& out);
  void learn_of_sender(Envelope const& from, Instant now, Effects& out);
  void tell_dead(Envelope const& from, Member const& member, Instant now, Effects& out);

  // News (swim_news.cpp).
  void merge(std::vector<Record> const& records, NodeId teller, Instant now, Effects& out,
             std::vector<Record>& carried);
  void merge_news(News const& news, NodeId teller, Instant now, Effects& out);
  void merge_table(AliveRecord const& teller, std::vector<MemberRecord> const& members, Instant now,
                   Effects& out);
  void merge_member(MemberRecord const& record, NodeId teller, Instant now, Effects& out);
  void add_tombstone(MemberRecord const& record, News const& end, Instant now, Effects& out);
  void confirm(SuspectRecord const& suspect, Instant now);
  void announce(NodeId id, Effects& out) const;
  void suspect_all(std::vector<NodeId> const& failed, Instant now, Effects& out);
  void declare_dead(std::vector<NodeId> const& expired, Instant now, Effects& out);
  void refuse(AliveRecord const& alive, Instant now, Effects& out);
  [[nodiscard]] bool works_with(AliveRecord const& alive) const {
    return work_together(alive.versions, self_.versions);
  }
  void hear_of_self(News const& news, Instant now, Effects& out);
  void hear_of_namesake(AliveRecord const& other, MemberState state, Effects& out);
  // Adds that this node suspects `member`, if it does.
  void accuse(Member const* member, std::vector<Record>& records) const;
  void answer_accuser(News const& news, NodeId teller, Effects& out) const;
  void refute(Incarnation heard, Instant now, Effects& out);
  void raise_incarnation(Incarnation over, Instant now, Effects& out);

  // Time.
  void notice_pause(Instant now);
  void note_news(Instant now);
  void gossip(Instant now, Effects& out);
  void gossip_to(std::size_t members, Instant now, Effects& out);
  void save_peers(Instant now, Effects& out);
  void call(Endpoint const& endpoint, bool wants_reply, Instant now, Effects& out);
  // To one of very many who ask at once: some of the living, who will tell it the rest.
  void tell_some(Endpoint const& endpoint, Effects& out);
  void compare(Endpoint const& endpoint, Instant now, Effects& out);
  [[nodiscard]] bool is_exchanged(Member const& member, Instant now) const;
  [[nodiscard]] std::vector<std::uint32_t> digest(std::size_t count, Instant now) const;
  [[nodiscard]] MembersDelta delta(std::vector<std::uint16_t> buckets, std::uint16_t count,
                                   Instant now) const;
  void add_piggyback(std::size_t first, Instant now, Effects& out);
  [[nodiscard]] std::vector<Member const*> some_live(std::size_t wanted);

  Profile profile_;
  AliveRecord self_;
  Random random_;
  MemberTable table_;
  FailureDetector detector_;
  Suspicions suspicions_;
  Dissemination dissemination_;
  PeerCalls calls_;
  LoadRecord load_;
  std::uint64_t fingerprint_ = 0;
  std::uint64_t fingerprint_told_ = 0;
  unsigned same_heard_ = 0;   // so many in a row had the same catalogue
  unsigned quiet_ticks_ = 0;  // gossip ticks since anything was said
  Instant next_gossip_;
  std::optional<Instant> news_due_;  // when news that waits is told
  Instant news_told_;                // when some was told last
  Instant next_reap_;
  std::map<NodeId, Instant> told_dead_;  // when each was last told
  bool joining_ = false;                 // what is being merged is known to everybody else
  Instant joins_until_{};                // its own table is far from level until about then
  PeerMemory memory_;
  std::map<NodeId, Instant> refused_;  // when each was last announced
  std::vector<KnownPeer> saved_peers_;
  std::uint64_t saved_moves_ = 0;
  Instant next_save_;
  std::optional<Instant> leaves_;  // when a node that says farewell ends
  bool had_peers_ = false;
  bool expects_peers_ = false;
  bool stopped_ = false;
};

}  // namespace chisme::cluster
