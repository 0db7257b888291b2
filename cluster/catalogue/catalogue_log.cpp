#include <algorithm>
#include <limits>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/config.hpp"

// The logs: this node's own dots, what is durable, what others lack. What the records mean is in
// catalogue.cpp.
namespace chisme::cluster {
namespace {

// How long a record of another node may wait for company before it is saved. Nobody waits for it,
// and a crash costs only that it must be told again.
constexpr Duration save_delay = std::chrono::milliseconds{50};
constexpr std::size_t unsaved_max = 512;
// Longer records would leave no room for others in a datagram.
constexpr std::size_t spread_bytes_max = 900;
// Beyond it news is dropped here, and left to anti-entropy.
constexpr std::size_t fresh_max = 4096;

constexpr SaveId never_saved{std::numeric_limits<std::uint64_t>::max()};

constexpr std::size_t index_of(LogKind log) {
  return static_cast<std::size_t>(log);
}

}  // namespace

// ---- Own records --------------------------------------------------------------------------------

void Catalogue::append_holding(Change change) {
  std::uint64_t const sequence = ++last_sequence_[index_of(LogKind::holdings)];
  open_[index_of(LogKind::holdings)].insert(sequence);
  CatalogueRecord const record{{self_, epoch_, sequence}, std::move(change)};
  apply(record);
  pend(record, true);
}

CatalogueRecord Catalogue::draft(Change change) {
  CHECK(log_of(change) == LogKind::names);
  std::uint64_t const sequence = ++last_sequence_[index_of(LogKind::names)];
  open_[index_of(LogKind::names)].insert(sequence);
  CatalogueRecord record{{self_, epoch_, sequence}, std::move(change)};
  auto& [time, open] = drafted_[name_of(record)];
  time = std::max(time, version_of(record).time);
  ++open;
  return record;
}

void Catalogue::persist(CatalogueRecord const& record) {
  pend(record, false);
}

void Catalogue::finish(CatalogueRecord const& draft, Instant now, Effects& out) {
  now_ = now;
  end_draft(draft);
  if (apply(draft)) announce(draft, out);
  spread(draft);
}

void Catalogue::discard(CatalogueRecord const& draft) {
  end_draft(draft);
}

void Catalogue::end_draft(CatalogueRecord const& draft) {
  close(LogKind::names, draft.dot.sequence);
  auto const drafted = drafted_.find(name_of(draft));
  CHECK(drafted != drafted_.end());
  if (--drafted->second.second == 0) drafted_.erase(drafted);
}

// The record is durable or void. This node's position, which it tells others, is before the first
// that is neither: what they ask for after it must still be sent to them.
void Catalogue::close(LogKind log, std::uint64_t sequence) {
  auto& open = open_[index_of(log)];
  open.erase(sequence);
  std::uint64_t const through = open.empty() ? last_sequence_[index_of(log)] : *open.begin() - 1;
  if (through > 0) positions_.raise({self_, log, epoch_, through});
}

bool Catalogue::is_open(LogPosition const& at) const {
  return at.writer == self_ && at.epoch == epoch_ && open_[index_of(at.log)].contains(at.sequence);
}

void Catalogue::see_own(LogPosition const& at) {
  if (at.writer != self_ || at.epoch < epoch_) return;
  if (at.epoch > epoch_ || at.sequence > last_sequence_[index_of(at.log)]) is_outlived_ = true;
}

// ---- Durability and spreading -------------------------------------------------------------------

void Catalogue::fence() {
  fenced_ = true;
  unsaved_.clear();
  unsaved_forgotten_.clear();
  spread_when_saved_.clear();
  horizon_unsaved_ = false;
  save_due_.reset();
}

void Catalogue::pend(CatalogueRecord const& record, bool spread) {
  if (fenced_) return;
  unsaved_.push_back(record);
  if (spread) spread_when_saved_.push_back(record);
  if (!save_due_) save_due_ = now_ + save_delay;
}

SaveId Catalogue::save(Effects& out) {
  save_due_.reset();
  if (fenced_) {
    // What a horizon brings is kept in memory only.
    unsaved_forgotten_.clear();
    horizon_unsaved_ = false;
    return never_saved;
  }
  if (unsaved_.empty() && unsaved_forgotten_.empty() && !horizon_unsaved_) return last_save_;
  last_save_ = SaveId{last_save_.value() + 1};
  saving_.emplace(last_save_, std::exchange(spread_when_saved_, {}));
  SaveCatalogue all{.save = last_save_,
                    .records = std::exchange(unsaved_, {}),
                    .positions = positions_.take_moved(),
                    .forgotten = std::exchange(unsaved_forgotten_, {}),
                    .horizon = std::nullopt};
  if (std::exchange(horizon_unsaved_, false)) all.horizon = horizon_;
  out.push_back(std::move(all));
  return last_save_;
}

void Catalogue::save_if_due(Instant now, Effects& out) {
  now_ = now;
  bool const due = save_due_ && *save_due_ <= now;
  if (due || unsaved_.size() >= unsaved_max || !spread_when_saved_.empty()) save(out);
}

void Catalogue::saved(SaveId save) {
  durable_ = std::max(durable_, save);
  while (!saving_.empty() && saving_.begin()->first <= save) {
    for (CatalogueRecord const& record : saving_.begin()->second) {
      close(log_of(record.change), record.dot.sequence);
      spread(record);
    }
    saving_.erase(saving_.begin());
  }
}

bool Catalogue::may_be_shown(CatalogueRecord const& record) const {
  return !is_open(position_of(record));
}

std::optional<CatalogueRecord> Catalogue::durable_holding(Digest const& digest) const {
  auto have = holding(digest, self_);
  if (have && !may_be_shown(*have)) have.reset();
  return have;
}

void Catalogue::spread(CatalogueRecord const& record) {
  if (fresh_.size() < fresh_max && size_bound(record) <= spread_bytes_max) fresh_.push_back(record);
}

void Catalogue::add_sizes(TableSizes& out) const {
  out.push_back({"records to be saved", unsaved_.size(), unsaved_max, is_work});
  out.push_back({"records to be told", fresh_.size(), fresh_max, is_work});
}

// ---- Anti-entropy -------------------------------------------------------------------------------

LogPosition Catalogue::position(NodeId writer, LogKind log) const {
  // Of its own logs a node that is filling may have lost what came before the floor.
  if (writer == self_ && lacking_.contains({writer, log})) return {writer, log, Epoch{}, 0};
  return positions_.at(writer, log);
}

std::vector<Catalogue::Log> Catalogue::known_logs() const {
  std::vector<LogPosition> const told = positions_.list();
  std::vector<Log> logs;
  logs.reserve(told.size() + 1);
  auto at = told.begin();
  auto const add = [&](Log const& log) {
    if (logs.empty() || logs.back() != log) logs.push_back(log);
  };
  auto const log_of_next = [&] { return Log{at->writer, at->log}; };
  tables_.logs().walk_logs([&](NodeId writer, LogKind log) {
    for (; at != told.end() && log_of_next() < Log{writer, log}; ++at) add(log_of_next());
    add({writer, log});
  });
  for (; at != told.end(); ++at) add(log_of_next());
  return logs;
}

std::vector<LogPosition> Catalogue::positions() const {
  std::vector<LogPosition> positions = positions_.list();
  std::erase_if(positions, [&](LogPosition const& at) {
    bool const own = at.writer == self_;
    return (own ? position(at.writer, at.log) : at).sequence == 0;
  });
  if (positions.size() > positions_max) positions.resize(positions_max);
  return positions;
}

bool Catalogue::has_all(std::vector<LogPosition> const& positions) const {
  return std::ranges::all_of(
      positions, [&](LogPosition const& at) { return position(at.writer, at.log) >= at; });
}

std::vector<LogPosition> Catalogue::positions_at_start() const {
  std::vector<LogPosition> positions = this->positions();
  std::erase_if(positions, [&](LogPosition const& at) { return at.writer == self_; });
  for (LogPosition const& own : own_at_start_) {
    if (own.sequence > 0) positions.push_back(own);
  }
  return positions;
}

// Walks each log from where the asker is. A log that does not fit is cut: its `through` is then the
// last record sent, before which nothing that is current was left out.
CatalogueDelta Catalogue::delta_for(std::vector<LogPosition> const& have) const {
  LogPositions asker;
  for (LogPosition const& position : have) asker.raise(position);
  CatalogueDelta delta;
  std::size_t bytes = 0;
  for (auto const& [writer, log] : known_logs()) {
    LogPosition const ours = position(writer, log);
    LogPosition const theirs = asker.at(writer, log);
    LogPosition through = ours;
    LogPosition sent = theirs;
    tables_.logs().walk_after(theirs, [&](LogIndex::Entry const& entry) {
      if (is_open(entry.at)) return true;
      CatalogueRecord record = tables_.record_of(entry);
      bytes += size_bound(record);
      if (bytes > delta_bytes_max) {
        through = std::min(ours, sent);
        return false;
      }
      delta.records.push_back(std::move(record));
      sent = entry.at;
      return true;
    });
    bool const knows_all = !lacking_.contains({writer, log});
    if (theirs < through && knows_all) delta.through.push_back(through);
    if (bytes > delta_bytes_max) break;
  }
  return delta;
}

std::size_t size_bound(CatalogueRecord const& record) {
  constexpr std::size_t fixed = 160;  // dot, version, size, digest, time, lengths
  return std::visit(Overloaded{
                        [](PutRecord const& put) { return put.name.size() + put.type.size(); },
                        [](DeleteRecord const& removed) { return removed.name.size(); },
                        [](HaveRecord const&) { return std::size_t{0}; },
                        [](DropRecord const&) { return std::size_t{0}; },
                    },
                    record.change) +
         fixed;
}

bool is_full(CatalogueDelta const& delta) {
  std::size_t bytes = 0;
  for (CatalogueRecord const& record : delta.records) bytes += size_bound(record);
  return bytes > delta_bytes_max / 2;
}

}  // namespace chisme::cluster
