#include "cluster/catalogue/anti_entropy.hpp"

#include <algorithm>
#include <bit>

#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/range_sync.hpp"
#include "cluster/config.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration between_asking_one = std::chrono::milliseconds{500};
constexpr Duration between_telling_one = between_asking_one / 2;
constexpr unsigned in_vain_max = 3;  // then a peer is asked as rarely as it gets
constexpr Duration between_asking_any = std::chrono::milliseconds{250};
constexpr unsigned fruitless_max = 4;
// Unlike a range sync an audit costs as much as there is.
constexpr Duration audit_pause_min = std::chrono::seconds{10};

// In a large cluster fingerprints differ most of the time, and digests are long.
Duration pause_of(std::size_t members) {
  return between_asking_any * (1 + std::bit_width(members / 32));
}

// Do both this node and `id` know horizons and range sync?
bool both_modern(NodeId id, Situation const& situation) {
  auto const is_modern = [&](NodeId who) {
    MemberView const* const member = find_member(situation.members, who);
    return member != nullptr && understands<RangeSync>(member->alive);
  };
  return is_modern(id) && is_modern(situation.self);
}

void send(Endpoint to, Message message, Effects& out) {
  out.push_back(Send{to, Channel::stream, std::move(message)});
}

void tell_horizon_id(Endpoint to, Catalogue const& catalogue, Effects& out) {
  send(to, HorizonNotice{{catalogue.horizon().id, {}, {}}}, out);
}

// What was collected of a log cannot be told to an asker that has less than its floor and knows no
// horizons: so it is not to claim that log, and is behind (Catalogue::adopt) once it knows them.
void leave_unclaimed(CatalogueDelta& delta, std::vector<LogPosition> const& positions,
                     std::vector<LogPosition> const& floors) {
  LogPositions claimed;
  for (LogPosition const& position : positions) claimed.raise(position);
  LogPositions unreached;
  for (LogPosition const& floor : floors) {
    if (claimed.at(floor.writer, floor.log) < floor) unreached.raise(floor);
  }
  std::erase_if(delta.through, [&](LogPosition const& through) {
    return unreached.at(through.writer, through.log).sequence > 0;
  });
}

}  // namespace

AntiEntropy::AntiEntropy(NodeId self, Duration push_pull_period, Duration tombstones_kept,
                         Instant now)
    : self_(self),
      period_(push_pull_period),
      keeper_(tombstones_kept),
      next_turn_(now + push_pull_period),
      // Nodes that start together would all ask the same peers at the same moments otherwise.
      last_turn_(self) {}

AntiEntropy::Peer& AntiEntropy::peer(NodeId id) {
  // Forgetting a peer costs an exchange that says nothing new.
  if (peers_.size() >= members_max && !peers_.contains(id)) peers_.clear();
  std::unique_ptr<Peer>& known = peers_[id];
  if (!known) known = std::make_unique<Peer>();
  return *known;
}

Catalogue::Source AntiEntropy::source(Peer const& known, Catalogue const& catalogue) {
  bool const same = known.horizon == catalogue.horizon().id;
  return same ? Catalogue::Source::same_horizon : Catalogue::Source::any;
}

// ---- Who is asked, and when ---------------------------------------------------------------------

void AntiEntropy::heard(NodeId id, std::uint64_t fingerprint, Catalogue const& catalogue,
                        Situation const& situation, Effects& out) {
  if (planted(PlantedBug::gossip_is_enough)) return;
  MemberView const* const member = find_member(situation.members, id);
  if (id == self_ || !is_reachable(member)) return;
  Peer& known = peer(id);
  known.is_empty = fingerprint == 0;
  if (fingerprint != catalogue.fingerprint()) {
    return heard_difference(id, known, fingerprint, catalogue, situation, out);
  }
  known.theirs = fingerprint;
  known.fruitless = 0;
  known.cursor.reset();
  known.differs_since.reset();
  known.search_pause = search_pause_min;
}

void AntiEntropy::heard_difference(NodeId id, Peer& known, std::uint64_t fingerprint,
                                   Catalogue const& catalogue, Situation const& situation,
                                   Effects& out) {
  Instant const now = situation.now;
  if (!known.differs_since) known.differs_since = now;
  known.theirs = fingerprint;
  unsigned const in_vain = std::max(known.unanswered, known.fruitless / fruitless_max);
  Duration const pause = between_asking_one * (1u << std::min(in_vain, in_vain_max));
  if (known.asked && now - *known.asked < pause) return;
  if (last_asked_ && now - *last_asked_ < pause_of(situation.members.size())) return;
  if (!is_as_asked(known, catalogue)) known.cursor.reset();
  Endpoint const to = find_member(situation.members, id)->alive.peer;
  if (both_modern(id, situation) && now - *known.differs_since >= patience) {
    compare_ranges(known, to, catalogue, now, out);
  }
  ask(id, to, true, catalogue, situation, out);
}

void AntiEntropy::ask(NodeId id, Endpoint to, bool wants_reply, Catalogue const& catalogue,
                      Situation const& situation, Effects& out) {
  Peer& known = peer(id);
  bool const modern = both_modern(id, situation);
  bool const in_vain = known.differs_since && is_as_asked(known, catalogue);
  known.fruitless = in_vain ? known.fruitless + 1 : 0;
  bool const differs_long = known.differs_since && situation.now - *known.differs_since >= patience;
  bool const hides = known.fruitless >= fruitless_max || differs_long;
  if (!modern && hides && situation.now >= known.next_search) {
    known.search_pause = std::max(known.search_pause, audit_pause_min);
    put_off_search(known, situation.now);
    known.cursor.emplace();
  }
  CatalogueDigest digest{.positions = {}, .wants_reply = wants_reply};
  if (known.cursor) {
    digest.positions = known.cursor->list();
  } else {
    digest.positions = known.met ? catalogue.positions() : catalogue.positions_at_start();
  }
  known.asked = situation.now;
  // Only what this node began: else one that all others ask would never get to ask by itself.
  if (wants_reply) {
    last_asked_ = situation.now;
    ++known.unanswered;
  }
  known.ours = catalogue.fingerprint();
  known.theirs_when_asked = known.theirs;
  if (modern && situation.missed > 0) send(to, PeersMissed{}, out);
  if (modern && catalogue.horizon().id.generation > 0) tell_horizon_id(to, catalogue, out);
  send(to, std::move(digest), out);
}

void AntiEntropy::tick(Catalogue& catalogue, Situation const& situation, bool braked,
                       Effects& out) {
  if (situation.now < next_turn_) return;
  next_turn_ = situation.now + period_;
  if (auto const horizon = keeper_.tick(catalogue, situation, braked)) {
    adopt(*horizon, catalogue, situation, out);
  }
  if (planted(PlantedBug::gossip_is_enough) || planted(PlantedBug::turns_are_left_out)) return;
  MemberView const* chosen = nullptr;
  for (MemberView const& member : situation.members) {
    if (member.alive.id == self_ || !is_reachable(&member)) continue;
    bool const is_next = member.alive.id > last_turn_;
    bool const wrapped = chosen != nullptr && chosen->alive.id <= last_turn_;
    if (chosen == nullptr || (is_next && wrapped)) chosen = &member;
  }
  if (chosen == nullptr) return;
  last_turn_ = chosen->alive.id;
  ask(chosen->alive.id, chosen->alive.peer, true, catalogue, situation, out);
}

// Each of them asks back, and is answered.
void AntiEntropy::say_farewell(Catalogue const& catalogue, Situation const& situation,
                               Effects& out) {
  std::vector<LogPosition> own = catalogue.positions();
  std::erase_if(own, [&](LogPosition const& at) { return at.writer != self_; });
  if (farewell_ == own) return;
  farewell_ = std::move(own);
  std::size_t told = 0;
  for (MemberView const& member : situation.members) {
    if (member.alive.id == self_ || member.state != MemberState::alive) continue;
    ask(member.alive.id, member.alive.peer, true, catalogue, situation, out);
    if (++told == farewells_max) return;
  }
}

// ---- By log positions ---------------------------------------------------------------------------

void AntiEntropy::handle(Envelope const& from, CatalogueDigest const& digest,
                         Catalogue const& catalogue, Situation const& situation, Effects& out) {
  Peer& known = peer(from.sender);
  known.unanswered = 0;
  known.met = known.met || (known.asked && !digest.wants_reply);
  Horizon const& horizon = catalogue.horizon();
  bool const modern = both_modern(from.sender, situation);
  bool const same_horizon = std::exchange(known.just_told, false) && known.horizon == horizon.id;
  if (modern && !same_horizon && !covers(digest.positions, horizon.floors)) {
    return send(from.sender_peer, HorizonNotice{horizon}, out);
  }
  keeper_.heard(from.sender, digest.positions, situation);
  bool const tells_all = planted(PlantedBug::everything_is_told);
  CatalogueDelta delta =
      catalogue.delta_for(tells_all ? std::vector<LogPosition>{} : digest.positions);
  if (!modern) leave_unclaimed(delta, digest.positions, horizon.floors);
  bool const lacks_nothing = delta.records.empty() && delta.through.empty();
  // Who was told a message full has more to ask for as soon as it has merged that.
  bool const goes_on = known.told_to && covers(digest.positions, {*known.told_to});
  bool const was_just_told =
      known.told && situation.now - *known.told < between_telling_one && !goes_on;
  if (!lacks_nothing && !was_just_told) {
    known.told = situation.now;
    known.told_to.reset();
    if (is_full(delta)) known.told_to = position_of(delta.records.back());
    if (modern && horizon.id.generation > 0) tell_horizon_id(from.sender_peer, catalogue, out);
    if (modern) {
      send(from.sender_peer, CatalogueAnswer{from.sender_epoch, std::move(delta)}, out);
    } else {
      send(from.sender_peer, std::move(delta), out);
    }
  }
  if (digest.wants_reply) {
    // An audit is of both sides: positions may hide from this node what they hide from the other.
    bool const is_audit = digest.positions.empty() && !known.is_empty && !modern;
    if (is_audit) known.cursor.emplace();
    ask(from.sender, from.sender_peer, false, catalogue, situation, out);
  }
  bool const differs = known.differs_since && known.theirs != catalogue.fingerprint();
  if (modern && differs && lacks_nothing && catalogue.has_all(digest.positions)) {
    compare_ranges(known, from.sender_peer, catalogue, situation.now, out);
  }
}

void AntiEntropy::handle(Envelope const& from, CatalogueDelta const& delta, Catalogue& catalogue,
                         Situation const& situation, Effects& out) {
  Peer& known = peer(from.sender);
  known.unanswered = 0;
  bool const modern = both_modern(from.sender, situation);
  if (modern && source(known, catalogue) != Catalogue::Source::same_horizon) {
    return tell_horizon_id(from.sender_peer, catalogue, out);
  }
  known.met = true;
  // Of the positions as they were when the digest was sent, or later ones: it makes no difference.
  bool const more = follow(known, delta, catalogue);
  catalogue.merge(delta, source(known, catalogue), situation.now, out);
  if (more) ask(from.sender, from.sender_peer, false, catalogue, situation, out);
}

void AntiEntropy::handle(Envelope const& from, CatalogueAnswer const& answer, Catalogue& catalogue,
                         Situation const& situation, Effects& out) {
  if (answer.asker == catalogue.epoch()) {
    return handle(from, answer.delta, catalogue, situation, out);
  }
  Catalogue::Source const told_by = source(peer(from.sender), catalogue);
  if (told_by == Catalogue::Source::same_horizon) {
    catalogue.merge(answer.delta.records, told_by, situation.now, out);
  }
}

// Records come in log order, so the peer has told all that it has up to the last one of each log,
// even where it cannot say that nobody has more (`through`). Each round moves the cursor.
bool AntiEntropy::follow(Peer& known, CatalogueDelta const& delta, Catalogue const& catalogue) {
  if (!is_full(delta)) {
    if (known.cursor) known.fruitless = 0;
    known.cursor.reset();
    return false;
  }
  if (!known.cursor) {
    known.cursor.emplace();
    for (LogPosition const& position : catalogue.positions()) known.cursor->raise(position);
  }
  (void)known.cursor->take_moved();
  for (LogPosition const& position : delta.through) known.cursor->raise(position);
  for (CatalogueRecord const& record : delta.records) {
    Dot const& dot = record.dot;
    known.cursor->raise({dot.writer, log_of(record.change), dot.epoch, dot.sequence});
  }
  return !known.cursor->take_moved().empty();
}

// Both fingerprints are what they were at the last exchange, whoever began it.
bool AntiEntropy::is_as_asked(Peer const& known, Catalogue const& catalogue) {
  return known.asked && known.ours == catalogue.fingerprint() &&
         known.theirs_when_asked == known.theirs;
}

void AntiEntropy::put_off_search(Peer& known, Instant now) {
  known.next_search = now + known.search_pause;
  known.search_pause = std::min<Duration>(search_pause_max, known.search_pause * 2);
}

// ---- By ranges ----------------------------------------------------------------------------------

void AntiEntropy::compare_ranges(Peer& known, Endpoint to, Catalogue const& catalogue, Instant now,
                                 Effects& out) {
  if (now < known.next_search || catalogue.is_filling()) return;
  put_off_search(known, now);
  known.range_opened = true;
  send(to, open_range_sync(catalogue, next_slot_), out);
}

void AntiEntropy::handle(Envelope const& from, RangeSync const& message, Catalogue& catalogue,
                         Situation const& situation, Effects& out) {
  Peer& known = peer(from.sender);
  known.unanswered = 0;
  known.horizon = message.horizon;
  if (message.horizon != catalogue.horizon().id) {
    bool const later = catalogue.horizon().id > message.horizon;
    if (later) return send(from.sender_peer, HorizonNotice{catalogue.horizon()}, out);
    return tell_horizon_id(from.sender_peer, catalogue, out);
  }
  if (catalogue.is_filling()) return;
  // Of its own words, which a power cut may have taken, this node believes whoever is level with
  // it.
  std::vector<CatalogueRecord> told = message.records;
  auto const of_self = std::ranges::partition(
      told, [&](CatalogueRecord const& record) { return record.dot.writer != self_; });
  auto const others = static_cast<std::size_t>(of_self.begin() - told.begin());
  auto const merge = [&](std::span<CatalogueRecord const> records, Catalogue::Source source) {
    return catalogue.merge(records, source, situation.now, out);
  };
  std::size_t const news = merge(std::span{told}.first(others), Catalogue::Source::same_horizon) +
                           merge(std::span{told}.subspan(others), Catalogue::Source::level);
  if (!message.slots.empty() && known.range_opened) {
    next_slot_ = static_cast<std::uint16_t>((message.slots.back().slot + 1u) % slot_count);
  }
  RangeSync answer = answer_to(message, catalogue);
  if (news > 0 || !answer.records.empty()) known.search_pause = search_pause_min;
  if (!says_nothing(answer)) return send(from.sender_peer, std::move(answer), out);
  // The exchange is over. One that brought something may have had no room for all.
  if (!std::exchange(known.range_opened, false) || news == 0) return;
  known.next_search = situation.now;
  compare_ranges(known, from.sender_peer, catalogue, situation.now, out);
}

// ---- Horizons -----------------------------------------------------------------------------------

void AntiEntropy::handle(Envelope const& from, HorizonNotice const& notice, Catalogue& catalogue,
                         Situation const& situation, Effects& out) {
  Peer& known = peer(from.sender);
  known.unanswered = 0;
  known.horizon = notice.horizon.id;
  known.just_told = true;
  HorizonId const ours = catalogue.horizon().id;
  if (notice.horizon.id == ours || !both_modern(from.sender, situation)) return;
  if (notice.horizon.id < ours) {
    return send(from.sender_peer, HorizonNotice{catalogue.horizon()}, out);
  }
  bool const is_whole = !notice.horizon.floors.empty() || !notice.horizon.gone.empty();
  if (!is_whole) return tell_horizon_id(from.sender_peer, catalogue, out);
  adopt(notice.horizon, catalogue, situation, out);
  ask(from.sender, from.sender_peer, true, catalogue, situation, out);
}

void AntiEntropy::adopt(Horizon const& horizon, Catalogue& catalogue, Situation const& situation,
                        Effects& out) {
  std::vector<NodeId> members;
  for (MemberView const& member : situation.members) members.push_back(member.alive.id);
  catalogue.adopt(horizon, members, situation.now, out);
  keeper_.restart();
  peers_.for_each([](auto const& known) { known->cursor.reset(); });
}

}  // namespace chisme::cluster
