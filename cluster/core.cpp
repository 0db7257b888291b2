#include "cluster/core.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "cluster/access/access.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/departure.hpp"
#include "cluster/load/balancer.hpp"
#include "cluster/load/load_gossip.hpp"
#include "cluster/load/load_probes.hpp"
#include "cluster/load/load_table.hpp"
#include "cluster/membership/swim.hpp"
#include "cluster/placement/rendezvous.hpp"
#include "cluster/replication/replication.hpp"

namespace chisme::cluster {

namespace {

// Whether the view shows other news than the table holds.
bool differs(MemberView const& shown, Member const& member) {
  auto const key = [](AliveRecord const& alive, MemberState state, Instant since) {
    return std::tuple{alive.epoch, alive.incarnation, alive.run_nonce, state, since};
  };
  return key(shown.alive, shown.state, shown.alive_since) !=
         key(member.alive, member.state, member.alive_since);
}

}  // namespace

struct Core::Parts {
  Parts(CoreConfig&& config_given, Self&& self_given, StoredState&& stored, Random random_given,
        Instant now)
      : config(std::move(config_given)),
        self(std::move(self_given)),
        swim(config.profile, self, config.seeds, random_given.split(1), now, config.versions,
             config.remembered),
        loads(self.id, self.epoch, now),
        replication(
            config, self,
            StoredCatalogue{std::move(stored.records), std::move(stored.positions),
                            std::move(stored.objects), stored.wall, std::move(stored.horizon)},
            now),
        load_gossip(config.profile.gossip_period, random_given.split(2), now),
        access(config.profile, self.id, stored.access, stored.wall, random_given.split(3), now) {
    if (config.expects_peers) swim.expect_peers();
    list_members(now);
  }

  void handle(Received const& input, Instant now, Effects& out);
  void handle(PeerUnreachable const& input, Instant now, Effects& out);
  void handle(RelayEnded const& input, Instant now, Effects& out);
  void handle(LoadSampled const& input, Instant now, Effects& out);
  void handle(LoadsWanted const& input, Instant now, Effects& out);
  void handle(StorageFenced const& input, Instant now, Effects& out);
  void handle(LeaveRequested const& input, Instant now, Effects& out);
  void handle(LeaveCancelled const& input, Instant now, Effects& out);
  void handle(EndsSoon const& input, Instant now, Effects& out);
  void handle(EndsNow const&, Instant, Effects& out) { swim.end(out); }
  void handle(PeerFound const& input, Instant now, Effects& out) {
    swim.found(input.endpoint, now, out);
  }
  void handle(RevokeRequested const& input, Instant now, Effects& out) {
    access.handle(input, situation(now), out);
  }
  void handle(LinkUsed const& input, Instant now, Effects& out) {
    access.handle(input, situation(now), out);
  }
  void handle(AccessSaved const& input, Instant now, Effects& out) {
    access.handle(input, situation(now), out);
  }
  // Everything else concerns files.
  template <class FileInput>
  void handle(FileInput const& input, Instant now, Effects& out) {
    replication.handle(input, situation(now), out);
  }
  void handle_load(Envelope const& from, Channel channel, Instant now, Effects& out);
  void carry(Record const& record, Instant now, Effects& out);
  bool merge_load(LoadRecord const& load, Instant now);
  void tick(Instant now, Effects& out);

  // What follows every call: each part hears of what the others changed.
  void settle(Instant now, Effects& out);
  void keep_to_versions(Effects& out) const;
  bool follow_members(Instant now, Effects& out);
  void count_view_changes(Instant now);
  void list_members(Instant now);
  void list_again(Instant now);
  void show_load(NodeId node);
  MemberView member_view(Member const& member, Instant now) const;
  Situation situation(Instant now) const;
  // As told to others.
  [[nodiscard]] std::uint8_t health() const {
    return ends_soon ? std::max(swim.local_health(), unwell_health) : swim.local_health();
  }
  unsigned copies_wanted() const { return swim.ever_had_peers() ? config.copies_wanted : 1; }
  unsigned copies_durable() const { return swim.ever_had_peers() ? config.copies_durable : 1; }
  ClusterView view(Instant now) const;

  CoreConfig config;
  Self self;
  Swim swim;
  LoadTable loads;
  LoadProbes load_probes;
  Replication replication;
  Departure departure{config.departure_patience};
  LoadGossip load_gossip;
  Access access;

  std::vector<MemberView> members;  // as of `members_changes`, with the newest loads
  Members::Places places;           // where in `members` each is
  std::vector<NodeId> changed;      // of these, by the call that goes on, or the last one
  std::uint64_t members_changes = 0;
  bool ends_soon = false;
  bool fenced = false;
  bool disk_changed = false;  // by a load, and replication was not told yet
  std::uint64_t view_number = 1;
  // What a view shows besides members, catalogue and loads.
  std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, unsigned, bool, std::size_t,
             std::uint64_t>
      shown{};
};

void Core::Parts::handle(Received const& input, Instant now, Effects& out) {
  Envelope const& envelope = input.envelope;
  swim.set_load(loads.own(now));
  std::vector<Record> carried;
  swim.handle(envelope, input.channel, now, out, carried);
  follow_members(now, out);
  // An echo: this node is where others lived. What it says to itself counts for nothing.
  if (envelope.sender == self.id) return;
  if (input.channel == Channel::stream) loads.succeeded(envelope.sender);
  for (Record const& record : carried) carry(record, now, out);
  handle_load(envelope, input.channel, now, out);
  if (auto const* gossip = std::get_if<Gossip>(&envelope.message)) {
    swim.heard_of_catalogue(gossip->catalogue_fingerprint == replication.fingerprint());
    replication.heard(envelope.sender, gossip->catalogue_fingerprint, situation(now), out);
  }
  replication.received(envelope, situation(now), out);
  if (Access::concerns(envelope.message)) access.received(envelope, situation(now), out);
}

void Core::Parts::handle_load(Envelope const& from, Channel channel, Instant now, Effects& out) {
  if (auto const* probe = std::get_if<LoadProbe>(&from.message)) {
    out.push_back(Send{from.sender_peer, channel, LoadReply{probe->sequence, loads.own(now)}});
  } else if (auto const* reply = std::get_if<LoadReply>(&from.message)) {
    merge_load(swim.arrived(reply->load, from.sender), now);
  } else if (auto const* ack = std::get_if<Ack>(&from.message)) {
    if (ack->load.id == from.sender) merge_load(swim.arrived(ack->load, from.sender), now);
  }
}

void Core::Parts::carry(Record const& record, Instant now, Effects& out) {
  if (auto const* load = std::get_if<LoadRecord>(&record)) {
    // What came by gossip goes on by gossip; what a node told only us does not.
    if (merge_load(*load, now)) swim.tell(*load, now);
  } else if (auto const* change = std::get_if<CatalogueRecord>(&record)) {
    replication.gossiped(*change, situation(now), out);
  }
}

// True when it was news.
bool Core::Parts::merge_load(LoadRecord const& load, Instant now) {
  if (!loads.is_news(load) || swim.find(load.id) == nullptr || !loads.merge(load, now))
    return false;
  show_load(load.id);
  return true;
}

void Core::Parts::handle(PeerUnreachable const& input, Instant now, Effects& out) {
  for (MemberView const& member : members) {
    bool const counts = member.state == MemberState::alive;
    if (counts && member.alive.peer == input.endpoint) loads.failed(member.alive.id, now);
  }
  swim.unreachable(input.endpoint, now, out);
  follow_members(now, out);
  replication.handle(input, situation(now), out);
}

// Counted apart from what its messages say: a node that gossips well may read badly.
void Core::Parts::handle(RelayEnded const& input, Instant now, Effects&) {
  MemberView const* const holder = find_member(members, input.holder);
  if (input.succeeded) {
    loads.succeeded(input.holder, LoadTable::Contact::relay);
  } else if (holder != nullptr && !holder->self && holder->state == MemberState::alive) {
    loads.failed(input.holder, now, LoadTable::Contact::relay);
  }
}

void Core::Parts::handle(LoadSampled const& input, Instant now, Effects& out) {
  loads.measure(input, health(), now);
  LoadRecord const own = loads.own(now);
  bool const alone = members.size() == 1;
  if (!alone && load_gossip.is_due(own, members.size(), now)) swim.tell(own, now);
  swim.set_load(own);
  show_load(self.id);
  load_probes.ask(members, now, out);
  access.set_wall(input.wall);
  replication.handle(input, situation(now), out);
}

void Core::Parts::handle(LoadsWanted const& input, Instant now, Effects& out) {
  load_probes.want(input.nodes, members, now, out);
}

// Others take it for a node that leaves: they place nothing here, ask it last, and make the copies
// that it has again elsewhere.
void Core::Parts::handle(StorageFenced const&, Instant now, Effects& out) {
  fenced = true;
  replication.fence();
  access.fence(out);
  swim.set_draining(true, now, out);
}

void Core::Parts::handle(LeaveRequested const&, Instant now, Effects& out) {
  if (departure.has_begun()) return departure.hurry(now);
  swim.set_draining(true, now, out);
  departure.begin(now);
}

void Core::Parts::handle(LeaveCancelled const&, Instant now, Effects& out) {
  if (!departure.has_begun() || departure.is_over()) return;
  departure = Departure{config.departure_patience};
  if (!fenced) swim.set_draining(false, now, out);
}

void Core::Parts::handle(EndsSoon const&, Instant now, Effects&) {
  ends_soon = true;
  loads.set_health(health());
  LoadRecord const own = loads.own(now);
  if (members.size() > 1) swim.tell(own, now);
  swim.set_load(own);
  show_load(self.id);
}

void Core::Parts::tick(Instant now, Effects& out) {
  swim.set_load(loads.own(now));
  swim.tick(now, out);
  follow_members(now, out);
  replication.tick(situation(now), out);
  auto const access_due = access.deadline();
  if (access_due && *access_due <= now) access.tick(situation(now), out);
  auto const departs = departure.deadline();
  if (departs && *departs <= now && departure.tick(view(now), out)) swim.leave(now, out);
}

void Core::Parts::settle(Instant now, Effects& out) {
  while (follow_members(now, out)) {
  }
  if (replication.is_outlived() && !planted(PlantedBug::namesake_is_ignored)) {
    swim.stop({"the disk is an older copy: this node has written what is not on it", true, true},
              out);
  }
  if (std::exchange(disk_changed, false)) replication.disk_changed(situation(now));
  for (CatalogueRecord& record : replication.take_fresh()) swim.tell(std::move(record), now);
  if (departure.is_over()) replication.say_farewell(situation(now), out);
  swim.set_catalogue_fingerprint(replication.fingerprint());
  bool const has_news = !changed.empty() && !access.state()->empty();
  if (has_news) access.meet(changed, situation(now), out);
  count_view_changes(now);
  keep_to_versions(out);
}

// A node that speaks older versions only does without the kinds of messages that came later, even
// where it would be answered.
void Core::Parts::keep_to_versions(Effects& out) const {
  if (config.versions.current >= spoken_versions.current) return;
  std::erase_if(out, [&](Effect const& effect) {
    auto const* const send = std::get_if<Send>(&effect);
    return send != nullptr && minimum_version_of(send->message) > config.versions.current;
  });
}

bool Core::Parts::follow_members(Instant now, Effects& out) {
  if (members_changes == swim.changes()) return false;
  list_members(now);
  replication.members_changed(situation(now), out);
  return true;
}

void Core::Parts::count_view_changes(Instant now) {
  // It takes a walk over all members, and changes only with them.
  bool const in_touch =
      std::get<0>(shown) == members_changes ? std::get<4>(shown) : swim.in_touch();
  std::tuple now_shown{members_changes,
                       replication.changes(),
                       replication.repairs_pending(),
                       copies_wanted(),
                       in_touch,
                       loads.ejected_count(now),
                       access.changes()};
  if (std::exchange(shown, now_shown) != now_shown) ++view_number;
}

// Only who changed is written again: in a large cluster that starts, there is news all the time.
void Core::Parts::list_members(Instant now) {
  members_changes = swim.changes();
  bool others = false;
  for (NodeId const id : swim.take_changed()) {
    std::uint32_t const* const at = places.find(id);
    Member const* const member = swim.find(id);
    if ((at == nullptr) != (member == nullptr)) others = true;
    if (at == nullptr || member == nullptr) continue;
    MemberView& shown_member = members[*at];
    if (!differs(shown_member, *member)) continue;
    // What failed because it was dead, or restarted, comes back with a clean sheet.
    bool const restarted = shown_member.alive.epoch != member->alive.epoch;
    if (restarted || member->state == MemberState::dead) loads.pardon(id);
    shown_member = member_view(*member, now);
    changed.push_back(id);
  }
  if (others) list_again(now);
}

// Somebody is new, or forgotten.
void Core::Parts::list_again(Instant now) {
  std::vector<MemberView> before = std::exchange(members, {});
  members.reserve(swim.members().size());
  auto old = before.begin();
  for (auto const& [id, member] : swim.members()) {
    for (; old != before.end() && old->alive.id < id; ++old) loads.forget(old->alive.id);
    bool const known = old != before.end() && old->alive.id == id;
    members.push_back(known ? std::move(*old++) : member_view(member, now));
    if (!known) changed.push_back(id);
  }
  for (; old != before.end(); ++old) loads.forget(old->alive.id);
  places.clear();
  for (std::uint32_t i = 0; i < members.size(); ++i) places[members[i].alive.id] = i;
}

void Core::Parts::show_load(NodeId node) {
  std::uint32_t const* const at = places.find(node);
  LoadTable::Entry const* const entry = loads.find(node);
  if (at == nullptr || entry == nullptr) return;
  MemberView& member = members[*at];
  // Told at once: whoever looked again later might find what it saw before, and have acted in
  // between on what is over.
  bool const was_full = is_nearly_full(member);
  member.load = entry->record;
  disk_changed = disk_changed || is_nearly_full(member) != was_full;
  member.sampled = entry->received;
  if (member.self) member.full_at = loads.full_at();
}

MemberView Core::Parts::member_view(Member const& member, Instant now) const {
  MemberView shown_member;
  shown_member.alive = member.alive;
  shown_member.state = member.state;
  shown_member.self = member.alive.id == self.id;
  shown_member.alive_since = member.alive_since;
  shown_member.ejected = loads.is_ejected(member.alive.id, now);
  if (LoadTable::Entry const* const entry = loads.find(member.alive.id)) {
    shown_member.load = entry->record;
    shown_member.sampled = entry->received;
    if (shown_member.self) shown_member.full_at = loads.full_at();
  }
  return shown_member;
}

Situation Core::Parts::situation(Instant now) const {
  return {.now = now,
          .self = self.id,
          .members = Members{members, &places},
          .copies_wanted = copies_wanted(),
          .copies_durable = copies_durable(),
          .in_touch = swim.in_touch(),
          .missed = swim.missed()};
}

ClusterView Core::Parts::view(Instant now) const {
  ClusterView view{.number = view_number,
                   .self = self.id,
                   .at = now,
                   .members = members,
                   .catalogue = replication.snapshot(),
                   .copies_wanted = copies_wanted(),
                   .copies_durable = copies_durable(),
                   .in_touch = swim.in_touch(),
                   .repairs_pending = replication.repairs_pending(),
                   .access = access.state()};
  for (MemberView& member : view.members) {
    member.ejected = loads.is_ejected(member.alive.id, now);
  }
  return view;
}

Core::Core(CoreConfig config, Self self, StoredState stored, Random random, Instant now)
    : parts_(std::make_unique<Parts>(std::move(config), std::move(self), std::move(stored), random,
                                     now)) {}
Core::~Core() = default;
Core::Core(Core&&) noexcept = default;

void Core::handle(Input input, Instant now, Effects& out) {
  parts_->changed.clear();
  std::visit([&](auto const& happened) { parts_->handle(happened, now, out); }, input);
  parts_->settle(now, out);
}

void Core::tick(Instant now, Effects& out) {
  parts_->changed.clear();
  parts_->tick(now, out);
  parts_->settle(now, out);
}

std::optional<Instant> Core::deadline() const {
  Instant earliest = parts_->swim.deadline();
  for (auto const& other :
       {parts_->replication.deadline(), parts_->departure.deadline(), parts_->access.deadline()}) {
    if (other) earliest = std::min(earliest, *other);
  }
  return earliest;
}

std::uint64_t Core::view_number() const {
  return parts_->view_number;
}

TableSizes Core::sizes() const {
  TableSizes sizes;
  sizes.reserve(64);
  parts_->swim.add_sizes(sizes);
  parts_->loads.add_sizes(parts_->members.size(), sizes);
  parts_->load_probes.add_sizes(sizes);
  parts_->replication.add_sizes(parts_->members.size(), sizes);
  parts_->access.add_sizes(sizes);
  return sizes;
}

bool Core::is_filling() const {
  return parts_->replication.is_filling();
}

std::vector<MemberView> Core::changed_members() const {
  std::vector<MemberView> found;
  for (NodeId const id : parts_->changed) {
    std::uint32_t const* const at = parts_->places.find(id);
    if (at != nullptr) found.push_back(parts_->members[*at]);
  }
  return found;
}

ClusterView Core::view(Instant now) const {
  return parts_->view(now);
}

}  // namespace chisme::cluster
