#include "cluster/membership/swim.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration reap_period = std::chrono::minutes{1};
// An idle node still says every so many gossip ticks what its catalogue holds.
constexpr unsigned quiet_ticks_max = 10;
// Of a large cluster a few loads wait for the next ping or answer to one. They are old anyway; in
// a small one all are young, and one is worth a datagram.
constexpr std::size_t waiting_loads_max = 8;
constexpr std::size_t members_per_waiting_load = 16;
constexpr std::size_t saved_peers_max = 256;
// Streams that a leaving node opens to say so; gossip tells the rest.
constexpr std::size_t farewells_max = 64;
// Of a table that is not told whole; a smaller one always is.
constexpr std::size_t members_told_min = 64;

// Streams of the generator: each part draws from its own.
enum RandomUse : std::uint64_t { detecting = 1, calling = 2 };

std::vector<Endpoint> both(std::vector<Endpoint> peers, std::vector<KnownPeer> const& more) {
  for (KnownPeer const& peer : more) peers.push_back(peer.at);
  return peers;
}

std::size_t bucket_of(NodeId id, std::size_t count) {
  return mix(id.high ^ mix(id.low)) & (count - 1);
}

std::size_t room_in(Message const& message) {
  if (planted(PlantedBug::datagrams_are_overfilled)) return datagram_bytes_max;
  std::size_t const used = encoded_size(message);
  return used < datagram_bytes_max ? datagram_bytes_max - used : 0;
}

}  // namespace

Swim::Swim(Profile const& profile, Self const& self, std::vector<Endpoint> const& seeds,
           Random random, Instant now, ProtocolVersions versions,
           std::vector<KnownPeer> const& remembered)
    : profile_(profile),
      self_{.id = self.id,
            .epoch = self.epoch,
            .incarnation = {},
            .peer = self.peer,
            .http = self.http,
            .zone = self.zone,
            .weight = self.weight,
            .versions = versions,
            .draining = false,
            // 0 stands for "unknown" in the member table.
            .run_nonce = std::max<std::uint64_t>(self.run_nonce, 1)},
      random_(random),
      detector_(profile, self.id, random_.split(detecting), now),
      suspicions_(profile),
      dissemination_(self.id),
      calls_(profile, self.id, self.peer, both(seeds, remembered), random_.split(calling), now),
      next_gossip_(now + profile.gossip_period),
      news_told_(now),
      next_reap_(now + reap_period),
      memory_(self.id, self.peer, seeds, remembered, now),
      next_save_(now) {
  load_.id = self.id;
  load_.epoch = self.epoch;
  table_.apply(self_, now);
  saved_moves_ = table_.moves();
  had_peers_ = !calls_.seeds().empty();
}

// ---- Messages ----------------------------------------------------------------------------------

void Swim::handle(Envelope const& envelope, Channel channel, Instant now, Effects& out,
                  std::vector<Record>& carried) {
  if (stopped_) return;
  if (envelope.sender == self_.id) return hear_namesake(envelope, now, out);
  std::size_t const first = out.size();
  std::visit(
      Overloaded{[&](Ping const& m) { receive(m, envelope, channel, now, out, carried); },
                 [&](Ack const& m) { receive(m, envelope, now, out, carried); },
                 [&](PingReq const& m) { detector_.handle(m, envelope, now, table_, out); },
                 [&](Nack const& m) { detector_.handle(m, envelope); },
                 [&](WrongTarget const& m) { receive(m, envelope, now, out); },
                 [&](Gossip const& m) { merge(m.records, envelope.sender, now, out, carried); },
                 [&](PushPull const& m) { receive(m, envelope, now, out); },
                 [&](Leave const& m) { merge_news(m.left, envelope.sender, now, out); },
                 // Not about membership; their senders are still learned of.
                 [](LoadProbe const&) {}, [](LoadReply const&) {}, [](CatalogueDigest const&) {},
                 [](CatalogueDelta const&) {}, [](CommitWrite const&) {},
                 [](WriteCommitted const&) {}, [](FetchObject const&) {}, [](LookupName const&) {},
                 [](LookupAnswer const&) {}, [](VerifyCopy const&) {}, [](CopyVerified const&) {},
                 [](FetchFailed const&) {}, [](WriteSuperseded const&) {},
                 [](HorizonNotice const&) {}, [](RangeSync const&) {}, [](PeersMissed const&) {},
                 [](CatalogueAnswer const&) {}, [](AccessNews const&) {},
                 [](AccessDigest const&) {},
                 [&](MembersDigest const& m) { receive(m, envelope, now, out); },
                 [&](MembersDelta const& m) { receive(m, envelope, now, out); }},
      envelope.message);
  learn_of_sender(envelope, now, out);
  add_piggyback(first, now, out);
  note_news(now);
}

void Swim::receive(Ping const& ping, Envelope const& from, Channel channel, Instant now,
                   Effects& out, std::vector<Record>& carried) {
  bool const is_meant = ping.target == NodeId{} || ping.target == self_.id;
  if (!is_meant && !planted(PlantedBug::anybody_answers)) {
    out.push_back(Send{from.sender_peer, channel, WrongTarget{ping.sequence, ping.target}});
    return;
  }
  // First what concerns us, so that the Ack carries the refutation.
  if (ping.accusation && ping.accusation->id == self_.id) {
    hear_of_self(*ping.accusation, now, out);
  }
  merge(ping.piggyback, from.sender, now, out, carried);
  Ack ack{.sequence = ping.sequence, .load = {}, .piggyback = {}};
  accuse(table_.find(from.sender), ack.piggyback);
  out.push_back(Send{from.sender_peer, channel, std::move(ack)});
}

void Swim::receive(Ack const& ack, Envelope const& from, Instant now, Effects& out,
                   std::vector<Record>& carried) {
  if (auto const took = detector_.handle(ack, from, now, out)) table_.measured(from.sender, *took);
  merge(ack.piggyback, from.sender, now, out, carried);
}

void Swim::receive(WrongTarget const& wrong, Envelope const& from, Instant now, Effects& out) {
  std::vector<NodeId> failed;
  detector_.handle(wrong, from, failed);
  suspect_all(failed, now, out);
}

void Swim::receive(PushPull const& push, Envelope const& from, Instant now, Effects& out) {
  if (push.self.id != from.sender) return;
  merge_table(push.self, push.members, now, out);
  if (!works_with(push.self)) {
    // It learns who refuses it, and nothing of the others.
    PushPull const greeting{.self = self_, .join = false, .wants_reply = false, .members = {}};
    if (push.wants_reply) out.push_back(Send{from.sender_peer, Channel::stream, greeting});
    return;
  }
  if (!push.wants_reply || stopped_) return;
  if (table_.all().size() <= members_told_min || calls_.may_tell_all(now)) {
    call(from.sender_peer, false, now, out);
  } else {
    tell_some(from.sender_peer, out);
  }
}

void Swim::receive(MembersDigest const& heard, Envelope const& from, Instant now, Effects& out) {
  std::size_t const count = heard.buckets.size();
  if (heard.self.id != from.sender || !std::has_single_bit(count)) return;
  merge_news(heard.self, from.sender, now, out);
  std::vector<std::uint32_t> const own = digest(count, now);
  std::vector<std::uint16_t> different;
  for (std::size_t i = 0; i < count; ++i) {
    if (own[i] != heard.buckets[i]) different.push_back(static_cast<std::uint16_t>(i));
  }
  if (different.empty() || !works_with(heard.self) || stopped_) return;
  MembersDelta answer = delta(std::move(different), static_cast<std::uint16_t>(count), now);
  answer.wants_reply = true;
  out.push_back(Send{from.sender_peer, Channel::stream, std::move(answer)});
}

void Swim::receive(MembersDelta const& heard, Envelope const& from, Instant now, Effects& out) {
  if (heard.self.id != from.sender || !std::has_single_bit(heard.count)) return;
  merge_table(heard.self, heard.members, now, out);
  if (!heard.wants_reply || !works_with(heard.self) || stopped_) return;
  out.push_back(Send{from.sender_peer, Channel::stream, delta(heard.buckets, heard.count, now)});
}

// Somebody speaks with our id: ourselves (a seed that is another name of our own address), or a
// second process with our data directory. The younger one lives on: it has the higher epoch.
void Swim::hear_namesake(Envelope const& envelope, Instant now, Effects& out) {
  auto const* push = std::get_if<PushPull>(&envelope.message);
  if (planted(PlantedBug::namesake_is_ignored)) return;
  if (push == nullptr || push->self.run_nonce == self_.run_nonce) return;
  hear_of_self(push->self, now, out);
  if (!stopped_ && calls_.may_call(envelope.sender_peer, now)) {
    call(envelope.sender_peer, false, now, out);
  }
}

void Swim::learn_of_sender(Envelope const& from, Instant now, Effects& out) {
  if (stopped_ || refused_.contains(from.sender)) return;
  Member const* member = table_.find(from.sender);
  if (member == nullptr || member->alive.epoch != from.sender_epoch) {
    // Unknown, restarted, or an old process that does not know of its successor.
    bool const news_for_us = member == nullptr || member->alive.epoch < from.sender_epoch;
    if (calls_.may_call(from.sender_peer, now)) call(from.sender_peer, news_for_us, now, out);
    return;
  }
  if (member->state == MemberState::dead) tell_dead(from, *member, now, out);
}

void Swim::tell_dead(Envelope const& from, Member const& member, Instant now, Effects& out) {
  auto const [told, is_first] = told_dead_.emplace(from.sender, now);
  if (!is_first && now - told->second < told_dead_period) return;
  told->second = now;
  DeadRecord const dead{from.sender, member.alive.epoch, member.alive.incarnation, self_.id};
  out.push_back(Send{from.sender_peer, Channel::datagram, Gossip{fingerprint_, {dead}}});
}

void Swim::unreachable(Endpoint const& endpoint, Instant now, Effects& out) {
  if (stopped_) return;
  std::size_t const first = out.size();
  for (auto const& [id, member] : table_.all()) {
    if (member.alive.peer == endpoint) detector_.probe_now(id, now, table_, out);
  }
  add_piggyback(first, now, out);
}

void Swim::found(Endpoint const& endpoint, Instant now, Effects& out) {
  if (stopped_ || leaves_ || endpoint == self_.peer) return;
  if (calls_.may_call(endpoint, now)) call(endpoint, true, now, out);
}

// ---- Time --------------------------------------------------------------------------------------

void Swim::tick(Instant now, Effects& out) {
  if (stopped_) return;
  std::size_t const first = out.size();
  notice_pause(now);
  std::vector<NodeId> failed;
  detector_.tick(now, table_, out, failed);
  suspect_all(failed, now, out);
  declare_dead(suspicions_.expire(now), now, out);
  std::vector<PeerCalls::Call> calls;
  calls_.tick(now, table_, calls);
  for (PeerCalls::Call const& callee : calls) {
    if (leaves_) break;  // whoever is called would take it for a member
    if (callee.is_level && understands<MembersDigest>(self_)) {
      compare(callee.endpoint, now, out);
    } else {
      call(callee.endpoint, true, now, out);
    }
  }
  if (next_gossip_ <= now) gossip(now, out);
  if (news_due_ && *news_due_ <= now) {
    news_due_.reset();
    news_told_ = now;
    gossip_to(profile_.gossip_fanout, now, out);
  }
  if (next_reap_ <= now) {
    for (Member const& forgotten : table_.reap(now)) {
      if (forgotten.state == MemberState::dead) calls_.remember(forgotten.alive.peer);
    }
    std::erase_if(told_dead_, [&](auto const& t) { return now - t.second >= told_dead_period; });
    memory_.tick(now);
    next_reap_ = now + reap_period;
  }
  add_piggyback(first, now, out);
  note_news(now);
  if (leaves_ && *leaves_ <= now) stop({"this node has left the cluster"}, out);
}

Instant Swim::deadline() const {
  if (stopped_) return Instant::max();
  Instant first = std::min({detector_.deadline(), calls_.deadline(), next_gossip_, next_reap_});
  if (auto const suspicion = suspicions_.deadline()) first = std::min(first, *suspicion);
  if (news_due_) first = std::min(first, *news_due_);
  if (leaves_) first = std::min(first, *leaves_);
  return first;
}

// A node that was stopped for a while heard nobody: its timers accuse nobody but itself.
void Swim::notice_pause(Instant now) {
  Duration const late = now - deadline();
  if (late <= profile_.probe_period) return;
  detector_.worsen();
  detector_.forgive(now);
  suspicions_.postpone(late, now);
}

// Whoever hears news while it has had none to tell for a while tells it on without waiting: in a
// large cluster that halves the time in which it reaches all, and costs no datagram more.
void Swim::note_news(Instant now) {
  if (!dissemination_.has_news()) {
    news_due_.reset();
  } else if (!news_due_) {
    news_due_ = std::max(now, news_told_ + profile_.gossip_period);
  }
}

void Swim::gossip(Instant now, Effects& out) {
  next_gossip_ = now + profile_.gossip_period;
  save_peers(now, out);
  if (leaves_ && !dissemination_.has_news()) {
    dissemination_.add(LeftRecord{self_.id, self_.epoch, self_.incarnation}, now);
  }
  bool const changed = std::exchange(fingerprint_told_, fingerprint_) != fingerprint_;
  bool const has_news = dissemination_.has_news();
  std::size_t const may_wait =
      std::min(waiting_loads_max, table_.live() / members_per_waiting_load);
  bool const quiet = !has_news && !changed && dissemination_.loads() <= may_wait;
  if (quiet && ++quiet_ticks_ < quiet_ticks_max) return;
  quiet_ticks_ = 0;
  // Loads are worth one datagram per tick: in a large cluster there are always some, and what they
  // cost must not grow with it. Everybody passes on what is news to him; that is fast enough.
  if (changed || !has_news) {
    gossip_to(changed ? profile_.gossip_fanout : 1, now, out);
  }
}

void Swim::set_catalogue_fingerprint(std::uint64_t fingerprint) {
  if (std::exchange(fingerprint_, fingerprint) != fingerprint) same_heard_ = 0;
}

// Where as many as a record is told to have it, all the others are told little more: what a few of
// them lack, anti-entropy brings them.
void Swim::heard_of_catalogue(bool same) {
  same_heard_ = same ? same_heard_ + 1 : 0;
  if (same_heard_ >= Dissemination::changes_told_max) dissemination_.forget_changes();
}

void Swim::gossip_to(std::size_t members, Instant now, Effects& out) {
  for (Member const* target : some_live(members)) {
    Gossip message{fingerprint_, {}};
    accuse(target, message.records);
    dissemination_.take(room_in(message), table_.live(), now, message.records);
    out.push_back(Send{target->alive.peer, Channel::datagram, std::move(message)});
  }
}

std::vector<Member const*> Swim::some_live(std::size_t wanted) {
  return table_.sample(wanted, std::span{&self_.id, 1}, random_);
}

// Those who live come first: of a cluster larger than what is saved they are the best to call.
void Swim::save_peers(Instant now, Effects& out) {
  if (table_.moves() == saved_moves_ || now < next_save_) return;
  saved_moves_ = table_.moves();
  next_save_ = now + save_period;
  std::vector<KnownPeer> peers;
  std::vector<KnownPeer> others = memory_.unmet(table_.all().size() - 1);
  for (auto const& [id, member] : table_.all()) {
    if (id == self_.id || member.state == MemberState::left) continue;
    Endpoint const& at = member.alive.peer;
    if (is_live(member.state)) peers.push_back({id, at});
    if (member.state == MemberState::dead && !table_.is_inhabited(at)) others.push_back({id, at});
  }
  for (Endpoint const& grave : calls_.graves()) {
    if (!table_.is_known(grave)) others.push_back({NodeId{}, grave});
  }
  peers.insert(peers.end(), others.begin(), others.end());
  if (peers.size() > saved_peers_max) peers.resize(saved_peers_max);
  std::sort(peers.begin(), peers.end());
  if (peers == saved_peers_) return;
  saved_peers_ = peers;
  out.push_back(SavePeers{std::move(peers)});
}

void Swim::call(Endpoint const& endpoint, bool wants_reply, Instant now, Effects& out) {
  PushPull push{
      .self = self_, .join = table_.live() <= 1, .wants_reply = wants_reply, .members = {}};
  for (auto const& [id, member] : table_.all()) {
    if (id != self_.id && is_exchanged(member, now)) {
      push.members.push_back(MemberRecord{member.alive, member.state});
    }
  }
  out.push_back(Send{endpoint, Channel::stream, std::move(push)});
}

void Swim::tell_some(Endpoint const& endpoint, Effects& out) {
  PushPull push{.self = self_, .join = false, .wants_reply = false, .members = {}};
  for (Member const* member : some_live(members_told_min)) {
    if (works_with(member->alive)) push.members.push_back({member->alive, member->state});
  }
  out.push_back(Send{endpoint, Channel::stream, std::move(push)});
}

bool Swim::is_exchanged(Member const& member, Instant now) const {
  return MemberTable::is_told(member, now) && works_with(member.alive);
}

void Swim::compare(Endpoint const& endpoint, Instant now, Effects& out) {
  // About eight members share a bucket: a difference costs little, and so does there being none.
  std::size_t const count = std::clamp<std::size_t>(std::bit_ceil(table_.all().size() / 8), 8,
                                                    MembersDigest::buckets_max);
  out.push_back(Send{endpoint, Channel::stream, MembersDigest{self_, digest(count, now)}});
}

std::vector<std::uint32_t> Swim::digest(std::size_t count, Instant now) const {
  std::vector<std::uint32_t> buckets(count);
  for (auto const& [id, member] : table_.all()) {
    if (!is_exchanged(member, now)) continue;
    NewsKey const key = key_of(member);
    std::uint64_t const news = std::uint64_t{key.epoch.value()} << 32 | key.incarnation.value();
    std::uint64_t const name = mix(mix(id.high) ^ id.low);
    std::uint64_t const hash = mix(mix(name ^ news) + static_cast<std::uint64_t>(key.rank));
    buckets[bucket_of(id, count)] += static_cast<std::uint32_t>(hash);
  }
  return buckets;
}

MembersDelta Swim::delta(std::vector<std::uint16_t> buckets, std::uint16_t count,
                         Instant now) const {
  MembersDelta made{
      .self = self_, .count = count, .buckets = {}, .wants_reply = false, .members = {}};
  std::sort(buckets.begin(), buckets.end());
  for (auto const& [id, member] : table_.all()) {
    auto const bucket = static_cast<std::uint16_t>(bucket_of(id, count));
    bool const wanted = std::binary_search(buckets.begin(), buckets.end(), bucket);
    if (wanted && id != self_.id && is_exchanged(member, now)) {
      made.members.push_back(MemberRecord{member.alive, member.state});
    }
  }
  made.buckets = std::move(buckets);
  return made;
}

// ---- This node ---------------------------------------------------------------------------------

void Swim::tell(Record record, Instant now) {
  dissemination_.add(std::move(record), now);
  note_news(now);
}

void Swim::set_draining(bool draining, Instant now, Effects& out) {
  if (self_.draining == draining || leaves_ || stopped_) return;
  self_.draining = draining;
  raise_incarnation(self_.incarnation, now, out);
  note_news(now);
}

void Swim::leave(Instant now, Effects& out) {
  if (leaves_ || stopped_) return;
  leaves_ = now + leave_period;
  LeftRecord const left{self_.id, self_.epoch, self_.incarnation};
  table_.apply(left, now);
  dissemination_.add(left, now);
  for (Member const* member : some_live(farewells_max)) {
    out.push_back(Send{member->alive.peer, Channel::stream, Leave{left}});
  }
  note_news(now);
}

// Death, and not departure: copies on a node that left are made again at once, those on one that
// may come back after a while. Its own word is as good as that of those who would find out.
void Swim::end(Effects& out) {
  if (stopped_) return;
  DeadRecord const dead{self_.id, self_.epoch, self_.incarnation, self_.id};
  for (Member const* member : some_live(farewells_max)) {
    out.push_back(Send{member->alive.peer, Channel::datagram, Gossip{fingerprint_, {dead}}});
  }
  stopped_ = true;
}

void Swim::stop(Stop what, Effects& out) {
  if (stopped_) return;
  stopped_ = true;
  out.push_back(std::move(what));
}

void Swim::add_piggyback(std::size_t first, Instant now, Effects& out) {
  for (std::size_t i = first; i < out.size(); ++i) {
    auto* send = std::get_if<Send>(&out[i]);
    if (send == nullptr) continue;
    if (auto* ping = std::get_if<Ping>(&send->message)) {
      dissemination_.take(room_in(send->message), table_.live(), now, ping->piggyback);
    } else if (auto* ack = std::get_if<Ack>(&send->message)) {
      ack->load = load_;
      dissemination_.take(room_in(send->message), table_.live(), now, ack->piggyback);
    }
  }
}

bool Swim::in_touch() const {
  std::size_t const gone = table_.count(MemberState::left) + table_.replaced();
  bool const forgives = planted(PlantedBug::nobody_is_a_majority);
  std::size_t const expected = table_.all().size() - gone + (forgives ? 0 : missed());
  bool const was_told_of_some = expects_peers_ || !calls_.seeds().empty();
  bool const met_nobody = table_.all().size() == 1 && was_told_of_some && !forgives;
  return !met_nobody && 2 * table_.count(MemberState::alive) > expected;
}

bool Swim::ever_had_peers() const {
  return had_peers_;
}

}  // namespace chisme::cluster
