#include "cluster/catalogue/catalogue.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/name_record.hpp"

// What is known, and how it is merged. The logs are in
// catalogue_log.cpp, tombstones in catalogue_horizon.cpp.
namespace chisme::cluster {
namespace {

// It was applied already, and noted in its log: as gossip tells everything several times, most of
// what comes by it. Two nodes with copies of one disk may have said two things under one dot.
bool is_current(CatalogueRecord const& record, RecordTables const& tables) {
  if (planted(PlantedBug::duplicates_move_the_fingerprint)) return false;
  if (log_of(record.change) == LogKind::holdings) {
    auto const current = tables.holding(digest_of(record), record.dot.writer);
    return current && current->dot == record.dot && is_tombstone(*current) == is_tombstone(record);
  }
  CatalogueRecord const* const current = tables.newest(name_of(record));
  return current != nullptr && current->dot == record.dot &&
         version_of(*current) == version_of(record);
}

}  // namespace

Catalogue::Catalogue(NodeId self, Epoch epoch, StoredCatalogue stored, Instant now)
    : self_(self), epoch_(epoch), clock_(epoch, stored.wall, now), now_(now) {
  for (ObjectStored const& object : stored.objects) local_[object.digest] = object.size;
  set_horizon(std::move(stored.horizon));
  for (LogPosition const& position : stored.positions) positions_.raise(position);
  for (CatalogueRecord const& record : stored.records) {
    positions_.note(log_of(record.change), record.dot);
    see_own(position_of(record));
  }
  tables_.load(std::move(stored.records));
  for (LogPosition const& at : positions_.list()) see_own(at);
  if (is_filling()) begin_filling();
  for (LogKind const log : {LogKind::names, LogKind::holdings}) {
    own_at_start_[static_cast<std::size_t>(log)] = position(self_, log);
  }
  (void)positions_.take_moved();
  reconcile();
}

PutRecord const* Catalogue::file(std::string_view name) const {
  CatalogueRecord const* const record = newest(name);
  return record == nullptr ? nullptr : std::get_if<PutRecord>(&record->change);
}

std::optional<CatalogueRecord> Catalogue::holding(Digest const& digest, NodeId holder) const {
  auto record = tables_.holding(digest, holder);
  if (record && is_tombstone(*record)) record.reset();
  return record;
}

Version Catalogue::next_version(std::string const& name, Instant now, std::string_view newer_than) {
  now_ = now;
  std::uint64_t time = clock_.next(now);
  if (planted(PlantedBug::version_is_the_wall_clock)) return {time, self_};
  for (std::string_view const one : {std::string_view{name}, newer_than}) {
    CatalogueRecord const* const stored = newest(one);
    if (stored != nullptr) time = std::max(time, clock_.after(version_of(*stored).time));
  }
  // Two drafts of one name may both be past this clock; they must still differ.
  auto const drafted = drafted_.find(name);
  if (drafted != drafted_.end()) time = std::max(time, clock_.after(drafted->second.first));
  return {time, self_};
}

bool Catalogue::is_too_far_ahead(std::string_view name, Version const& version, Instant now) const {
  if (version.time <= clock_.limit(now)) return false;
  // A name that is in the future already must stay writable: a little more does no harm.
  constexpr std::uint64_t step = 1u << 20;
  CatalogueRecord const* const stored = newest(name);
  return stored == nullptr || version.time - step > version_of(*stored).time;
}

// ---- Merging ------------------------------------------------------------------------------------

bool Catalogue::apply(CatalogueRecord const& record) {
  LogKind const log = log_of(record.change);
  see_own(position_of(record));
  if (record.dot.writer == self_ && record.dot.epoch == epoch_) {
    // Own positions move when records become durable. A dot is never given twice.
    auto& last = last_sequence_[static_cast<std::size_t>(log)];
    last = std::max(last, record.dot.sequence);
  } else {
    positions_.note(log, record.dot);
  }
  if (!tables_.apply(record)) return false;
  ++changes_;
  return true;
}

bool Catalogue::merge(CatalogueRecord const& record, Instant now, Effects& out) {
  if (!take_in(record, Source::any, now, out)) return false;
  spread(record);
  return true;
}

void Catalogue::merge(CatalogueDelta const& delta, Source source, Instant now, Effects& out) {
  merge(delta.records, source, now, out);
  for (LogPosition const& position : delta.through) {
    see_own(position);
    // Of the log that this node is writing, nobody knows better.
    bool const own = position.writer == self_ && position.epoch == epoch_;
    bool const trusted = source == Source::same_horizon || !is_filling();
    if (!own && trusted) positions_.raise(position);
    if (trusted) cover(position);
  }
}

std::size_t Catalogue::merge(std::span<CatalogueRecord const> records, Source source, Instant now,
                             Effects& out) {
  // A few records are news that gossip lost somewhere; many are a node that catches up.
  constexpr std::size_t passed_on_max = 64;
  std::vector<CatalogueRecord const*> news;
  for (CatalogueRecord const& record : records) {
    if (take_in(record, source, now, out)) news.push_back(&record);
  }
  if (news.size() <= passed_on_max) {
    for (CatalogueRecord const* const record : news) spread(*record);
  }
  return news.size();
}

void Catalogue::adopt(CatalogueRecord const& record, Instant now, Effects& out) {
  if (learn(record, Source::any, now, out)) spread(record);
}

bool Catalogue::take_in(CatalogueRecord const& record, Source source, Instant now, Effects& out) {
  if (!learn(record, source, now, out)) return false;
  pend(record, false);
  return true;
}

bool Catalogue::learn(CatalogueRecord const& record, Source source, Instant now, Effects& out) {
  now_ = now;
  bool const is_name = log_of(record.change) == LogKind::names;
  if (is_name) clock_.observe(version_of(record).time, now);
  // While this node is filling, positions were forgotten and are noted again.
  if (!is_filling() && is_current(record, tables_)) {
    see_own(position_of(record));
    return false;
  }
  // An own draft that a holder has made durable already: it becomes visible in its own time.
  if (is_open(position_of(record)) || is_refused(record, source) || !apply(record)) return false;
  announce(record, out);
  // This node's own old word came back: it must agree with the disk.
  if (!is_name && record.dot.writer == self_) reconcile(digest_of(record));
  if (is_superfluous(record, false)) forget(record);
  return true;
}

void Catalogue::announce(CatalogueRecord const& record, Effects& out) const {
  std::visit(
      Overloaded{
          [&](PutRecord const& put) { out.push_back(Announce{FileChanged{put.name, false}}); },
          [&](DeleteRecord const& removed) {
            out.push_back(Announce{FileChanged{removed.name, true}});
          },
          [](HaveRecord const&) {},
          [](DropRecord const&) {},
      },
      record.change);
}

// ---- This node's holdings -----------------------------------------------------------------------

void Catalogue::object_stored(ObjectStored const& object) {
  local_[object.digest] = object.size;
  reconcile(object.digest);
}

void Catalogue::object_removed(Digest const& digest) {
  local_.erase(digest);
  reconcile(digest);
}

void Catalogue::say_again(Digest const& digest) {
  auto const local = local_.find(digest);
  if (local != local_.end()) append_holding(HaveRecord{digest, local->second});
}

// What is here and what was said of it are walked through together, in order of digest: a start
// looks at all there is.
void Catalogue::reconcile() {
  std::vector<Digest> different;
  auto local = local_.begin();
  tables_.walk_objects([&](HeldObject const& object) {
    for (; local != local_.end() && local->first < object.digest; ++local) {
      different.push_back(local->first);
    }
    bool const here = local != local_.end() && local->first == object.digest;
    bool const said = std::ranges::any_of(
        object.holdings, [&](Holding const& one) { return one.holder == self_ && one.has; });
    if (here) ++local;
    if (here != said) different.push_back(object.digest);
  });
  for (; local != local_.end(); ++local) different.push_back(local->first);
  for (Digest const& digest : different) reconcile(digest);
}

void Catalogue::reconcile(Digest const& digest) {
  auto const local = local_.find(digest);
  bool const said = holding(digest, self_).has_value();
  if (local != local_.end() && !said) append_holding(HaveRecord{digest, local->second});
  if (local == local_.end() && said) append_holding(DropRecord{digest});
}

}  // namespace chisme::cluster
