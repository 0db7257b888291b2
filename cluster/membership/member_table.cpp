#include "cluster/membership/member_table.hpp"

#include <algorithm>
#include <limits>

#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/config.hpp"

namespace chisme::cluster {
namespace {

constexpr Incarnation last_incarnation{std::numeric_limits<std::uint32_t>::max()};

Duration kept(MemberState state) {
  return state == MemberState::left ? MemberTable::left_kept : MemberTable::dead_kept;
}

// An incarnation that no honest node can have reached from `known`. Each epoch starts at 0.
bool is_absurd(Member const& known, NewsKey const& key) {
  if (key.rank == MemberState::left) return false;
  std::uint64_t const from =
      key.epoch == known.alive.epoch ? known.alive.incarnation.value() : std::uint64_t{0};
  return key.incarnation.value() > from + MemberTable::incarnation_jump_max;
}

}  // namespace

NewsKey key_of(News const& news) {
  return std::visit(
      Overloaded{
          [](AliveRecord const& r) { return NewsKey{r.epoch, r.incarnation, MemberState::alive}; },
          [](SuspectRecord const& r) {
            return NewsKey{r.epoch, r.incarnation, MemberState::suspect};
          },
          [](DeadRecord const& r) { return NewsKey{r.epoch, r.incarnation, MemberState::dead}; },
          [](LeftRecord const& r) {
            return NewsKey{r.epoch, last_incarnation, MemberState::left};
          }},
      news);
}

NewsKey key_of(Member const& member) {
  bool const left = member.state == MemberState::left;
  return {member.alive.epoch, left ? last_incarnation : member.alive.incarnation, member.state};
}

NodeId node_of(News const& news) {
  return std::visit([](auto const& record) { return record.id; }, news);
}

MemberTable::Outcome MemberTable::apply(News const& news, Instant now) {
  Member* const found = look_up(node_of(news));
  if (found == nullptr) {
    auto const* alive = std::get_if<AliveRecord>(&news);
    return alive != nullptr ? insert(*alive, now) : Outcome::refused;
  }
  Member& member = *found;
  bool const gone = member.state == MemberState::left && planted(PlantedBug::left_is_for_ever);
  if (gone) return Outcome::unchanged;
  NewsKey const key = cluster::key_of(news);
  bool const stale = key < cluster::key_of(member) && planted(PlantedBug::stale_news_is_taken);
  bool const again = key.rank == MemberState::alive && key.epoch == member.alive.epoch &&
                     key.incarnation == member.alive.incarnation && !is_live(member.state) &&
                     planted(PlantedBug::same_alive_revives);
  if (key <= cluster::key_of(member) && !stale && !again) return Outcome::unchanged;
  if (is_absurd(member, key)) return Outcome::refused;
  store(member, news, now);
  return Outcome::changed;
}

MemberTable::Outcome MemberTable::insert(AliveRecord const& alive, Instant now) {
  if (alive.incarnation.value() > incarnation_jump_max) return Outcome::refused;
  if (members_.size() >= members_max && !make_room()) return Outcome::refused;
  auto const entry =
      members_.emplace(alive.id, Member{.alive = alive, .state_since = now, .alive_since = now});
  enter(entry.first->second);
  living_.push_back(&entry.first->second);
  index_[alive.id] = &entry.first->second;
  ++moves_;
  note_change(alive.id);
  return Outcome::changed;
}

void MemberTable::store(Member& member, News const& news, Instant now) {
  NewsKey const key = cluster::key_of(news);
  strike(member);
  Endpoint const was_at = member.alive.peer;
  MemberState const was = member.state;
  bool const was_live = is_live(was);
  bool const restarted = key.epoch != member.alive.epoch;
  if (auto const* alive = std::get_if<AliveRecord>(&news)) {
    Endpoint const before = member.alive.peer;
    member.alive = *alive;
    if (planted(PlantedBug::old_address_is_kept)) member.alive.peer = before;
    if (!was_live || restarted) member.alive_since = now;
  } else {
    member.alive.epoch = key.epoch;
    if (restarted) member.alive.run_nonce = 0;  // its Alive of that epoch was not seen
    if (key.rank != MemberState::left || restarted) {
      member.alive.incarnation = key.rank == MemberState::left ? Incarnation{} : key.incarnation;
    }
  }
  if (member.state != key.rank) member.state_since = now;
  member.state = key.rank;
  enter(member);
  if (was_live && !is_live(member.state)) bury(member);
  if (!was_live && is_live(member.state)) living_.push_back(&member);
  bool const left = was == MemberState::left || member.state == MemberState::left;
  if (was_at != member.alive.peer || (left && was != member.state)) ++moves_;
  note_change(member.alive.id);
}

void MemberTable::note_change(NodeId id) {
  ++changes_;
  changed_.insert(id);
}

std::size_t& MemberTable::Residents::of(MemberState state) {
  if (is_live(state)) return live;
  return state == MemberState::dead ? dead : left;
}

void MemberTable::enter(Member const& member) {
  ++counts_[static_cast<std::size_t>(member.state)];
  Residents& residents = residents_[member.alive.peer];
  replaced_ -= residents.replaced();
  ++residents.of(member.state);
  replaced_ += residents.replaced();
}

void MemberTable::strike(Member const& member) {
  --counts_[static_cast<std::size_t>(member.state)];
  auto const found = residents_.find(member.alive.peer);
  Residents& residents = found->second;
  replaced_ -= residents.replaced();
  --residents.of(member.state);
  replaced_ += residents.replaced();
  if (residents.nobody()) residents_.erase(found);
}

void MemberTable::bury(Member const& member) {
  auto const found = std::find(living_.begin(), living_.end(), &member);
  *found = living_.back();
  living_.pop_back();
}

// Whoever left is missed by nobody; of the dead, the one that is dead longest comes back least
// likely. Live members are never forgotten.
bool MemberTable::make_room() {
  auto const worth = [](Member const& member) {
    int const kind = member.state == MemberState::left ? 0 : is_live(member.state) ? 2 : 1;
    return std::pair{kind, member.state_since};
  };
  auto const least = std::min_element(
      members_.begin(), members_.end(),
      [&](auto const& a, auto const& b) { return worth(a.second) < worth(b.second); });
  if (least == members_.end() || is_live(least->second.state)) return false;
  strike(least->second);
  index_.erase(least->first);
  note_change(least->first);
  members_.erase(least);
  ++moves_;
  return true;
}

void MemberTable::measured(NodeId id, Duration round_trip) {
  auto const smooth = [&](Duration& old) {
    old = old == Duration{} ? round_trip : old + (round_trip - old) / 4;
  };
  smooth(typical_round_trip_);
  if (Member* const member = look_up(id)) smooth(member->round_trip);
}

Duration MemberTable::travel_time(NodeId id) const {
  Member const* const member = look_up(id);
  bool const known = member != nullptr && member->round_trip > Duration{};
  return (known ? member->round_trip : typical_round_trip_) / 2;
}

std::vector<Member> MemberTable::reap(Instant now) {
  std::vector<Member> reaped;
  std::erase_if(members_, [&](auto const& entry) {
    Member const& member = entry.second;
    bool const over = !is_live(member.state) && now - member.state_since >= kept(member.state);
    if (!over) return false;
    strike(member);
    index_.erase(entry.first);
    note_change(entry.first);
    reaped.push_back(member);
    return true;
  });
  if (!reaped.empty()) ++moves_;
  return reaped;
}

bool MemberTable::is_told(Member const& member, Instant now) {
  return is_live(member.state) || now - member.state_since < kept(member.state) / 2;
}

// Draws by index. In a small cluster, where drawing somebody twice is likely, all are shuffled.
std::vector<Member const*> MemberTable::sample(std::size_t wanted, std::span<NodeId const> left_out,
                                               Random& random) const {
  auto const is_out = [&](Member const* member) {
    return std::find(left_out.begin(), left_out.end(), member->alive.id) != left_out.end();
  };
  std::vector<Member const*> drawn;
  if (living_.size() <= 4 * (wanted + left_out.size())) {
    drawn = living_;
    std::erase_if(drawn, is_out);
    std::size_t const count = std::min(wanted, drawn.size());
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(drawn[i], drawn[i + random.below(drawn.size() - i)]);
    }
    drawn.resize(count);
    return drawn;
  }
  while (drawn.size() < wanted) {
    Member const* const member = living_[random.below(living_.size())];
    bool const again = std::find(drawn.begin(), drawn.end(), member) != drawn.end();
    if (!again && !is_out(member)) drawn.push_back(member);
  }
  return drawn;
}

bool MemberTable::is_inhabited(Endpoint const& endpoint) const {
  auto const found = residents_.find(endpoint);
  return found != residents_.end() && found->second.live > 0;
}

Member const* MemberTable::find(NodeId id) const {
  return look_up(id);
}

Member* MemberTable::look_up(NodeId id) const {
  Member* const* const found = index_.find(id);
  return found == nullptr ? nullptr : *found;
}

}  // namespace chisme::cluster
