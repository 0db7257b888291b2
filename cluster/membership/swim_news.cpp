#include <algorithm>
#include <limits>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/membership/swim.hpp"

// Swim: whose news wins, what follows from it, and what this node hears of itself.
namespace chisme::cluster {
namespace {

// Somebody who joins may be told a part of the table only: as long as tables bring members, it
// compares with somebody else soon. One that brings more than one in so many is known to all
// others.
constexpr std::size_t much_share = 8;
constexpr int joining_periods = 4;

Record record_of(News const& news) {
  return std::visit([](auto const& record) { return Record{record}; }, news);
}

// What a MemberRecord says of its node's end.
News end_of(MemberRecord const& record, NodeId teller) {
  AliveRecord const& alive = record.alive;
  if (record.state == MemberState::left) {
    return LeftRecord{alive.id, alive.epoch, alive.incarnation};
  }
  return DeadRecord{alive.id, alive.epoch, alive.incarnation, teller};
}

}  // namespace

void Swim::merge(std::vector<Record> const& records, NodeId teller, Instant now, Effects& out,
                 std::vector<Record>& carried) {
  for (Record const& record : records) {
    std::visit(
        Overloaded{[&](LoadRecord const& load) { carried.emplace_back(arrived(load, teller)); },
                   [&](CatalogueRecord const& change) { carried.emplace_back(change); },
                   [&](auto const& news) { merge_news(news, teller, now, out); }},
        record);
  }
}

LoadRecord Swim::arrived(LoadRecord load, NodeId teller) const {
  using std::chrono::milliseconds;
  auto const travelled = std::chrono::round<milliseconds>(table_.travel_time(teller)).count();
  std::uint64_t const age = load.age_ms + static_cast<std::uint64_t>(travelled);
  load.age_ms = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(age, std::numeric_limits<std::uint32_t>::max()));
  return load;
}

// Only what changes the own table is told on, so that gossip dies out.
void Swim::merge_news(News const& news, NodeId teller, Instant now, Effects& out) {
  if (stopped_) return;
  NodeId const id = node_of(news);
  if (id == self_.id) {
    hear_of_self(news, now, out);
    return answer_accuser(news, teller, out);
  }
  auto const* alive = std::get_if<AliveRecord>(&news);
  if (alive != nullptr && !works_with(*alive)) return refuse(*alive, now, out);
  Member const* known = table_.find(id);
  auto const before = known == nullptr ? std::nullopt : std::optional{known->state};
  auto const* suspect = std::get_if<SuspectRecord>(&news);
  bool const looks_closer =
      planted(PlantedBug::stale_news_is_taken) || planted(PlantedBug::same_alive_revives);
  bool const stale = known != nullptr && key_of(news) <= key_of(*known) && !looks_closer;
  if (stale || table_.apply(news, now) != MemberTable::Outcome::changed) {
    if (planted(PlantedBug::known_news_is_told_again)) dissemination_.add(record_of(news), now);
    bool const confirms = suspect != nullptr && known != nullptr && key_of(news) == key_of(*known);
    if (confirms) confirm(*suspect, now);
    return;
  }
  had_peers_ = true;
  suspicions_.clear(id);
  refused_.erase(id);
  if (alive != nullptr) memory_.met(*alive);
  // A joiner learns whole tables, which those that it learns them from have told long ago.
  if (!joining_ || suspect != nullptr) dissemination_.add(record_of(news), now);
  MemberState const state = key_of(news).rank;
  if (before != state) announce(id, out);
  if (suspect == nullptr) return;
  suspicions_.accuse(id, suspect->from, table_.live(), now);
  // A few others look for themselves at once: either they confirm, or the suspect hears of it.
  double const wanted = 2.0 * profile_.suspicion_confirmations;
  bool const looks =
      teller != self_.id && random_.chance(wanted / static_cast<double>(table_.live()));
  if (looks) detector_.probe_now(id, now, table_, out);
}

// A member that came back in a version with which this node cannot work is dead here, and only
// here.
void Swim::refuse(AliveRecord const& alive, Instant now, Effects& out) {
  Member const* known = table_.find(alive.id);
  bool const was_live = known != nullptr && is_live(known->state);
  if (known != nullptr && table_.apply(alive, now) == MemberTable::Outcome::changed) {
    table_.apply(DeadRecord{alive.id, alive.epoch, alive.incarnation, self_.id}, now);
    suspicions_.clear(alive.id);
    if (was_live) announce(alive.id, out);
  }
  std::erase_if(refused_, [&](auto const& r) { return now - r.second >= refused_period; });
  if (refused_.size() >= refused_max || !refused_.emplace(alive.id, now).second) return;
  out.push_back(Announce{PeerRefused{alive.id, alive.peer, alive.versions}});
}

void Swim::confirm(SuspectRecord const& suspect, Instant now) {
  if (suspicions_.accuse(suspect.id, suspect.from, table_.live(), now)) {
    dissemination_.add(suspect, now);
  }
}

void Swim::merge_table(AliveRecord const& teller, std::vector<MemberRecord> const& members,
                       Instant now, Effects& out) {
  bool const joins = table_.live() <= 1 || now < joins_until_;
  joining_ = table_.live() <= 1;
  merge_news(teller, teller.id, now, out);
  joining_ = false;
  if (!works_with(teller)) return;
  auto const brought = static_cast<std::size_t>(std::ranges::count_if(
      members, [&](auto const& member) { return table_.find(member.alive.id) == nullptr; }));
  joining_ = joins && brought * much_share > table_.all().size();
  for (MemberRecord const& member : members) {
    if (member.alive.id != teller.id) merge_member(member, teller.id, now, out);
  }
  joining_ = false;
  if (!joins || brought == 0) return;
  joins_until_ = now + joining_periods * profile_.probe_period;
  calls_.hurry(now);
}

// Push-pull tells states, not events. A live member that the other side holds for dead is only
// suspected here: after a partition both sides hold each other for dead, and each accused gets the
// time to refute it.
void Swim::merge_member(MemberRecord const& record, NodeId teller, Instant now, Effects& out) {
  AliveRecord const& alive = record.alive;
  if (alive.id == self_.id) {
    if (alive.run_nonce != 0 && alive.run_nonce != self_.run_nonce) {
      if (leaves_ || stopped_) return;
      return hear_of_namesake(alive, record.state, out);
    }
    if (record.state != MemberState::alive) hear_of_self(end_of(record, teller), now, out);
    return;
  }
  if (record.state == MemberState::alive) return merge_news(alive, teller, now, out);
  Member const* known = table_.find(alive.id);
  bool const ended = !is_live(record.state);
  if (known == nullptr && ended) return add_tombstone(record, end_of(record, teller), now, out);
  if (record.state == MemberState::left || (ended && !is_live(known->state))) {
    return merge_news(end_of(record, teller), teller, now, out);
  }
  if (known == nullptr || is_live(known->state) || record.state == MemberState::suspect) {
    merge_news(alive, teller, now, out);
    merge_news(SuspectRecord{alive.id, alive.epoch, alive.incarnation, teller}, teller, now, out);
  }
}

// A node that was gone before this one came: remembered, so that stale news cannot raise it.
void Swim::add_tombstone(MemberRecord const& record, News const& end, Instant now, Effects& out) {
  if (table_.apply(record.alive, now) != MemberTable::Outcome::changed) return;
  had_peers_ = true;
  memory_.met(record.alive);
  table_.apply(end, now);
  announce(record.alive.id, out);
}

void Swim::announce(NodeId id, Effects& out) const {
  Member const* member = table_.find(id);
  out.push_back(Announce{MemberChanged{id, member->state, member->alive.http}});
}

void Swim::suspect_all(std::vector<NodeId> const& failed, Instant now, Effects& out) {
  for (NodeId const id : failed) {
    Member const* member = table_.find(id);
    if (member == nullptr || !is_live(member->state)) continue;
    SuspectRecord suspect{id, member->alive.epoch, member->alive.incarnation, self_.id};
    if (planted(PlantedBug::accuser_raises_incarnation)) {
      suspect.incarnation = Incarnation{suspect.incarnation.value() + 1};
    }
    merge_news(suspect, self_.id, now, out);
  }
}

void Swim::declare_dead(std::vector<NodeId> const& expired, Instant now, Effects& out) {
  for (NodeId const id : expired) {
    Member const* member = table_.find(id);
    if (member == nullptr || member->state != MemberState::suspect) continue;
    DeadRecord const dead{id, member->alive.epoch, member->alive.incarnation, self_.id};
    merge_news(dead, self_.id, now, out);
  }
}

// ---- This node ---------------------------------------------------------------------------------

void Swim::hear_of_self(News const& news, Instant now, Effects& out) {
  if (leaves_ || stopped_) return;
  NewsKey const key = key_of(news);
  if (auto const* alive = std::get_if<AliveRecord>(&news)) {
    return hear_of_namesake(*alive, MemberState::alive, out);
  }
  if (key.epoch > self_.epoch) return;  // whoever that is shows itself by an Alive
  if (key.epoch < self_.epoch) return dissemination_.add(self_, now);
  if (key.rank == MemberState::left) {
    stop({"this node was said to have left; start it again to rejoin", true}, out);
  } else {
    refute(key.incarnation, now, out);
  }
}

// Another process that runs, or ran, as this node. One in an earlier epoch is this node before it
// started again, and learns of this one.
//
// If that process is over, or was at this very address, this node has an older copy of its disk. If
// both run in one epoch, both have given the same dots to records, so that neither may go on in it;
// the one with the greater nonce may in the next.
void Swim::hear_of_namesake(AliveRecord const& other, MemberState state, Effects& out) {
  bool const is_other = other.run_nonce != 0 && other.run_nonce != self_.run_nonce;
  if (!is_other || other.epoch < self_.epoch || planted(PlantedBug::namesake_is_ignored)) return;
  if (!is_live(state) || other.peer == self_.peer) {
    return stop({"the disk is an older copy: this node has run from another one since", true, true},
                out);
  }
  bool const goes_on = other.epoch == self_.epoch && other.run_nonce < self_.run_nonce;
  stop({"duplicate identity: another process runs as node " + to_string(self_.id), true, goes_on},
       out);
}

void Swim::accuse(Member const* member, std::vector<Record>& records) const {
  if (member == nullptr || member->state != MemberState::suspect) return;
  AliveRecord const& known = member->alive;
  records.emplace_back(SuspectRecord{known.id, known.epoch, known.incarnation, self_.id});
}

// Who holds this node for suspect or dead long after all others heard the refutation would hear it
// from nobody: to the others it is no news, and of what this node gossips one in a hundred gets a
// few.
void Swim::answer_accuser(News const& news, NodeId teller, Effects& out) const {
  auto const is_own_word = [&](auto const& accusation) {
    return accusation.from == teller && accusation.epoch <= self_.epoch;
  };
  auto const* const suspect = std::get_if<SuspectRecord>(&news);
  auto const* const dead = std::get_if<DeadRecord>(&news);
  Member const* const accuser = table_.find(teller);
  bool const own_word =
      (suspect != nullptr && is_own_word(*suspect)) || (dead != nullptr && is_own_word(*dead));
  if (!own_word || accuser == nullptr || leaves_ || stopped_) return;
  out.push_back(Send{accuser->alive.peer, Channel::datagram, Gossip{fingerprint_, {self_}}});
}

// Tells again what is refuted already: whoever still says it has missed it.
void Swim::refute(Incarnation heard, Instant now, Effects& out) {
  if (planted(PlantedBug::accusation_is_not_refuted)) return;
  if (heard < self_.incarnation) return dissemination_.add(self_, now);
  std::uint64_t const jump = heard.value() - self_.incarnation.value();
  if (jump > MemberTable::incarnation_jump_max) return;
  detector_.worsen();
  raise_incarnation(heard, now, out);
}

void Swim::raise_incarnation(Incarnation over, Instant now, Effects& out) {
  if (over.value() == std::numeric_limits<std::uint32_t>::max()) {
    // They stay at the highest: only an epoch, which a start raises, is above that.
    stop({"this epoch's incarnations are used up", true, true}, out);
    return;
  }
  self_.incarnation = Incarnation{over.value() + 1};
  table_.apply(self_, now);
  dissemination_.add(self_, now);
}

}  // namespace chisme::cluster
