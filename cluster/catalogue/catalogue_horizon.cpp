#include <algorithm>

#include "cluster/catalogue/catalogue.hpp"

// Tombstones: what the horizon lets this node forget, and what it then refuses.
namespace chisme::cluster {

bool covers(std::vector<LogPosition> const& positions, std::vector<LogPosition> const& floors) {
  LogPositions claimed;
  for (LogPosition const& position : positions) claimed.raise(position);
  return std::ranges::all_of(floors, [&](LogPosition const& floor) {
    return claimed.at(floor.writer, floor.log) >= floor;
  });
}

void Catalogue::set_horizon(StoredHorizon stored) {
  horizon_ = std::move(stored);
  floors_ = {};
  gone_ = {};
  lacking_.clear();
  for (LogPosition const& floor : horizon_.horizon.floors) {
    floors_.raise(floor);
    see_own(floor);
  }
  for (LogPosition const& end : horizon_.horizon.gone) gone_.raise(end);
}

bool Catalogue::is_below_floor(LogPosition const& at) const {
  return at <= floors_.at(at.writer, at.log);
}

bool Catalogue::is_gone(LogPosition const& at) const {
  return at.log == LogKind::holdings && at <= gone_.at(at.writer, at.log);
}

bool Catalogue::is_refused(CatalogueRecord const& record, Source source) const {
  LogPosition const at = position_of(record);
  if (is_gone(at)) return true;
  if (!is_below_floor(at)) return false;
  if (is_filling()) return source == Source::any;
  return source != Source::level && !tables_.current_dot(record).has_value();
}

bool Catalogue::is_forgotten_by_others(CatalogueRecord const& record) const {
  LogPosition const at = position_of(record);
  return at.writer == self_ && at.log == LogKind::holdings && is_below_floor(at);
}

bool Catalogue::is_stale(CatalogueRecord const& record) const {
  LogPosition const at = position_of(record);
  return is_below_floor(at) || positions_.at(at.writer, at.log).epoch > at.epoch;
}

// Of a node that is `behind`, all before the floors: it cannot know what of that is current. Else
// the tombstones there.
bool Catalogue::is_superfluous(CatalogueRecord const& record, bool behind) const {
  LogPosition const at = position_of(record);
  if (is_open(at)) return false;
  if (is_gone(at)) return true;
  return is_below_floor(at) && (behind || is_tombstone(record));
}

void Catalogue::adopt(Horizon const& horizon, std::span<NodeId const> members, Instant now,
                      Effects& out) {
  if (horizon.id <= horizon_.horizon.id) return;
  now_ = now;
  bool const behind =
      is_filling() || std::ranges::any_of(horizon.floors, [&](LogPosition const& floor) {
        return position(floor.writer, floor.log) < floor;
      });
  set_horizon({horizon, behind});
  std::vector<CatalogueRecord> superfluous;
  tables_.walk([&](CatalogueRecord const& record) {
    if (is_superfluous(record, behind)) superfluous.push_back(record);
  });
  for (CatalogueRecord const& record : superfluous) {
    auto const* const put = std::get_if<PutRecord>(&record.change);
    if (put != nullptr) out.push_back(Announce{FileChanged{put->name, true}});
    forget(record);
  }
  if (behind) {
    begin_filling();
  } else {
    forget_positions(members);
  }
  horizon_unsaved_ = true;
  // Now: what is forgotten here may be told again at once, and must not be forgotten after that.
  save_due_ = now;
  reconcile();
}

// From here on nothing is claimed of the logs, so that others tell all of them again.
void Catalogue::begin_filling() {
  for (LogPosition const& at : positions_.list()) {
    if (at.writer != self_ || at.epoch != epoch_) positions_.forget(at.writer, at.log);
  }
  own_at_start_ = {};
  for (LogPosition const& floor : horizon_.horizon.floors)
    lacking_.emplace(floor.writer, floor.log);
  if (!lacking_.empty()) return;
  horizon_.filling = false;
  horizon_unsaved_ = true;
}

void Catalogue::cover(LogPosition const& through) {
  if (through < floors_.at(through.writer, through.log)) return;
  if (lacking_.erase({through.writer, through.log}) == 0 || !lacking_.empty()) return;
  horizon_.filling = false;
  horizon_unsaved_ = true;
  if (!save_due_) save_due_ = now_;
}

void Catalogue::forget_positions(std::span<NodeId const> members) {
  for (LogPosition const& at : positions_.list()) {
    bool const is_needed = at.writer == self_ || tables_.logs().has(at.writer, at.log) ||
                           floors_.at(at.writer, at.log).sequence > 0 ||
                           std::ranges::find(members, at.writer) != members.end();
    if (!is_needed) positions_.forget(at.writer, at.log);
  }
}

void Catalogue::forget(CatalogueRecord const& record) {
  if (!tables_.erase(record)) return;
  ++changes_;
  unsaved_forgotten_.push_back(record);
  if (!save_due_) save_due_ = now_;
}

}  // namespace chisme::cluster
