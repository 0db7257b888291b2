#include "cluster/catalogue/horizon.hpp"

#include <algorithm>

namespace chisme::cluster {
namespace {

constexpr int steps_per_kept = 16;  // how much later each next member proposes
constexpr std::size_t steps_max = 16;

// Holdings of writers that are not among the members.
std::vector<LogPosition> gone_holdings(Catalogue const& catalogue, Situation const& situation) {
  std::vector<LogPosition> gone = catalogue.positions();
  std::erase_if(gone, [&](LogPosition const& at) {
    return at.log != LogKind::holdings || !catalogue.tables().logs().has(at.writer, at.log) ||
           find_member(situation.members, at.writer) != nullptr;
  });
  return gone;
}

// Logs of which nothing will come any more, and of which a horizon has spoken, are left out when
// they become many: then a node that comes back after a long time may bring back what was removed
// there.
std::vector<LogPosition> positions_to_mark(Catalogue const& catalogue, Situation const& situation) {
  std::set<std::pair<NodeId, LogKind>> spoken_of;
  for (LogPosition const& floor : catalogue.horizon().floors) {
    spoken_of.emplace(floor.writer, floor.log);
  }
  std::vector<LogPosition> marked = catalogue.positions();
  std::size_t gone = 0;
  std::erase_if(marked, [&](LogPosition const& at) {
    return spoken_of.contains({at.writer, at.log}) &&
           !catalogue.tables().logs().has(at.writer, at.log) &&
           find_member(situation.members, at.writer) == nullptr &&
           ++gone > HorizonKeeper::gone_logs_max;
  });
  return marked;
}

bool has_tombstones(Catalogue const& catalogue, std::vector<LogPosition> const& floors) {
  LogIndex const& logs = catalogue.tables().logs();
  return std::ranges::any_of(floors, [&](LogPosition const& floor) {
    return !logs.walk_after(
        {floor.writer, floor.log, Epoch{}, 0}, [&](LogIndex::Entry const& entry) {
          return !(entry.at <= floor && is_tombstone(catalogue.tables().record_of(entry)));
        });
  });
}

}  // namespace

void HorizonKeeper::heard(NodeId peer, std::vector<LogPosition> const& positions,
                          Situation const& situation) {
  if (!mark_ || situation.now - mark_->taken < kept_) return;
  if (tells_of_gone(positions, situation)) return mark_.reset();
  if (covers(positions, mark_->positions)) mark_->passed.insert(peer);
}

// More than was known of the log of one who is no member any more.
bool HorizonKeeper::tells_of_gone(std::vector<LogPosition> const& positions,
                                  Situation const& situation) const {
  return std::ranges::any_of(positions, [&](LogPosition const& told) {
    if (told <= mark_->known.at(told.writer, told.log)) return false;
    MemberView const* const writer = find_member(situation.members, told.writer);
    return writer == nullptr || writer->state == MemberState::left;
  });
}

bool HorizonKeeper::may_propose(Situation const& situation) const {
  std::size_t before = 0;
  for (MemberView const& member : situation.members) {
    if (!understands<HorizonNotice>(member.alive)) return false;
    if (member.state == MemberState::left) continue;
    if (member.self) continue;
    if (!mark_->passed.contains(member.alive.id)) return false;
    if (member.alive.id < situation.self && is_reachable(&member)) ++before;
  }
  auto const steps = static_cast<int>(std::min(before, steps_max));
  return situation.now - mark_->taken >= kept_ + kept_ / steps_per_kept * steps;
}

std::optional<Horizon> HorizonKeeper::tick(Catalogue const& catalogue, Situation const& situation,
                                           bool braked) {
  bool const knows_all_members = situation.in_touch && situation.missed == 0;
  if (catalogue.is_filling() || braked || !knows_all_members) return std::nullopt;
  if (!mark_) {
    mark_ = Mark{situation.now, positions_to_mark(catalogue, situation), {}, {}};
    for (LogPosition const& position : catalogue.positions()) mark_->known.raise(position);
    return std::nullopt;
  }
  if (situation.now - mark_->taken < kept_ || !may_propose(situation)) return std::nullopt;
  Horizon next{{catalogue.horizon().id.generation + 1, situation.self},
               std::move(mark_->positions),
               gone_holdings(catalogue, situation)};
  mark_.reset();
  if (next.gone.empty() && !has_tombstones(catalogue, next.floors)) return std::nullopt;
  return next;
}

}  // namespace chisme::cluster
