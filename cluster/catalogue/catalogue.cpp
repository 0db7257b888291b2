#include "cluster/catalogue/catalogue.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/base/random.hpp"
#include "cluster/catalogue/name_record.hpp"

// What the records mean: names, holdings, and the tables that follow from them. The logs are in
// catalogue_log.cpp.
namespace chisme::cluster {
namespace {

Digest const& digest_of(CatalogueRecord const& record) {
  auto const* const have = std::get_if<HaveRecord>(&record.change);
  return have != nullptr ? have->digest : std::get<DropRecord>(record.change).digest;
}

std::uint64_t hash_of(CatalogueRecord const& record) {
  Dot const& dot = record.dot;
  auto const log = static_cast<std::uint64_t>(log_of(record.change));
  std::uint64_t hash = mix(dot.writer.high) ^ dot.writer.low;
  hash = mix(hash) ^ (std::uint64_t{dot.epoch.value()} << 1 | log);
  return mix(mix(hash) ^ dot.sequence);
}

LogPosition position_of(CatalogueRecord const& record) {
  return {.writer = record.dot.writer,
          .log = log_of(record.change),
          .epoch = record.dot.epoch,
          .sequence = record.dot.sequence};
}

}  // namespace

Catalogue::Catalogue(NodeId self, Epoch epoch, StoredCatalogue stored, Instant now)
    : self_(self), epoch_(epoch), clock_(stored.wall, now), now_(now) {
  for (ObjectStored const& object : stored.objects) local_[object.digest] = object.size;
  for (LogPosition const& position : stored.positions) positions_.raise(position);
  for (CatalogueRecord const& record : stored.records) apply(record);
  for (LogKind const log : {LogKind::names, LogKind::holdings}) {
    own_at_start_[static_cast<std::size_t>(log)] = positions_.at(self_, log);
    positions_.raise({self_, log, Epoch{}, 0});  // listed from the start, though it knows nothing
  }
  reconcile();
}

CatalogueRecord const* Catalogue::newest(std::string_view name) const {
  return snapshot_.names_.find(name);
}

PutRecord const* Catalogue::file(std::string_view name) const {
  CatalogueRecord const* const record = newest(name);
  return record == nullptr ? nullptr : std::get_if<PutRecord>(&record->change);
}

CatalogueRecord const* Catalogue::holding(Digest const& digest, NodeId holder) const {
  auto const found = holdings_.find({digest, holder});
  if (found == holdings_.end()) return nullptr;
  return std::holds_alternative<HaveRecord>(found->second.change) ? &found->second : nullptr;
}

Version Catalogue::next_version(std::string const& name, Instant now) {
  now_ = now;
  std::uint64_t time = clock_.next(now);
  CatalogueRecord const* const stored = newest(name);
  if (stored != nullptr) time = std::max(time, version_of(*stored).time + 1);
  // Two drafts of one name may both be past this clock; they must still differ.
  auto const drafted = drafted_.find(name);
  if (drafted != drafted_.end()) time = std::max(time, drafted->second.first + 1);
  return {time, self_};
}

bool Catalogue::is_too_far_ahead(std::string_view name, Version const& version, Instant now) const {
  if (version.time <= clock_.limit(now)) return false;
  // A name that is in the future already must stay writable: a little more does no harm.
  constexpr std::uint64_t step = 1u << 16;
  CatalogueRecord const* const stored = newest(name);
  return stored == nullptr || version.time > version_of(*stored).time + step;
}

// ---- Merge laws ---------------------------------------------------------------------------------

bool Catalogue::apply(CatalogueRecord const& record) {
  LogKind const log = log_of(record.change);
  if (record.dot.writer == self_ && record.dot.epoch == epoch_) {
    // Own positions move when records become durable. A dot is never given twice.
    auto& last = last_sequence_[static_cast<std::size_t>(log)];
    last = std::max(last, record.dot.sequence);
  } else {
    positions_.note(log, record.dot);
  }
  bool const changed = log == LogKind::names ? apply_name(record) : apply_holding(record);
  if (changed) ++changes_;
  return changed;
}

// Last writer wins: the greater version stays. Equal versions are one write, told twice; should
// they have two dots, the greater stays, so that all nodes agree.
bool Catalogue::apply_name(CatalogueRecord const& record) {
  std::string const& name = name_of(record);
  CatalogueRecord const* const found = newest(name);
  if (found != nullptr) {
    Version const& stored = version_of(*found);
    Version const& told = version_of(record);
    if (told < stored || (told == stored && record.dot <= found->dot)) return false;
  }
  std::optional<CatalogueRecord> const old =
      found == nullptr ? std::nullopt : std::optional{*found};
  CatalogueRecord const* const before = old ? &*old : nullptr;
  snapshot_.names_.insert(name, record);
  bool const was_file = before != nullptr && std::holds_alternative<PutRecord>(before->change);
  bool const is_file = std::holds_alternative<PutRecord>(record.change);
  snapshot_.files_ = snapshot_.files_ - (was_file ? 1 : 0) + (is_file ? 1 : 0);
  index(before, record);
  refer(before, record);
  return true;
}

// Only the holder writes of its holdings, so the later of its words is true.
bool Catalogue::apply_holding(CatalogueRecord const& record) {
  Holding const key{digest_of(record), record.dot.writer};
  auto const found = holdings_.find(key);
  if (found != holdings_.end() && record.dot <= found->second.dot) return false;
  index(found == holdings_.end() ? nullptr : &found->second, record);
  holdings_.insert_or_assign(key, record);
  set_holder(key.first, key.second, std::holds_alternative<HaveRecord>(record.change));
  return true;
}

// Keeps the index by dot, and the fingerprint, to the current records.
void Catalogue::index(CatalogueRecord const* old, CatalogueRecord const& record) {
  if (old != nullptr) {
    by_dot_.erase(position_of(*old));
    fingerprint_ ^= hash_of(*old);
  }
  bool const is_name = log_of(record.change) == LogKind::names;
  by_dot_.insert_or_assign(position_of(record),
                           is_name ? Subject{name_of(record)} : Subject{digest_of(record)});
  fingerprint_ ^= hash_of(record);
}

// Keeps `objects_` to what names refer to.
void Catalogue::refer(CatalogueRecord const* old, CatalogueRecord const& record) {
  auto const* const before = old == nullptr ? nullptr : std::get_if<PutRecord>(&old->change);
  if (before != nullptr) {
    auto const use = objects_.find(before->digest);
    CHECK(use != objects_.end());
    use->second.names.erase(before->name);
    if (use->second.names.empty()) objects_.erase(use);
    touched_.insert(before->digest);
  }
  if (auto const* const put = std::get_if<PutRecord>(&record.change)) {
    ObjectUse& use = objects_[put->digest];
    use.size = put->size;
    use.names.insert(put->name);
    touched_.insert(put->digest);
  }
}

void Catalogue::set_holder(Digest const& digest, NodeId holder, bool holds) {
  std::vector<NodeId> holders = snapshot_.holders(digest);
  auto const place = std::ranges::lower_bound(holders, holder);
  bool const listed = place != holders.end() && *place == holder;
  if (listed == holds) return;
  if (holds) {
    holders.insert(place, holder);
  } else {
    holders.erase(place);
  }
  if (holders.empty()) {
    snapshot_.holders_.erase(digest);
  } else {
    snapshot_.holders_.insert(digest, std::move(holders));
  }
  touched_.insert(digest);
}

// ---- Other nodes' records -----------------------------------------------------------------------

bool Catalogue::merge(CatalogueRecord const& record, Instant now, Effects& out) {
  if (!take_in(record, now, out)) return false;
  spread(record);
  return true;
}

void Catalogue::merge(CatalogueDelta const& delta, Instant now, Effects& out) {
  // A few records are news that gossip lost somewhere; many are a node that catches up.
  constexpr std::size_t passed_on_max = 64;
  std::vector<CatalogueRecord const*> news;
  for (CatalogueRecord const& record : delta.records) {
    if (take_in(record, now, out)) news.push_back(&record);
  }
  for (LogPosition const& position : delta.through) {
    // Of the log that this node is writing, nobody knows better.
    bool const own = position.writer == self_ && position.epoch == epoch_;
    if (!own) positions_.raise(position);
  }
  if (news.size() > passed_on_max) return;
  for (CatalogueRecord const* const record : news) spread(*record);
}

void Catalogue::adopt(CatalogueRecord const& record, Instant now, Effects& out) {
  if (learn(record, now, out)) spread(record);
}

bool Catalogue::take_in(CatalogueRecord const& record, Instant now, Effects& out) {
  if (!learn(record, now, out)) return false;
  pend(record, false);
  return true;
}

bool Catalogue::learn(CatalogueRecord const& record, Instant now, Effects& out) {
  now_ = now;
  bool const is_name = log_of(record.change) == LogKind::names;
  if (is_name) clock_.observe(version_of(record).time, now);
  // An own draft that a holder has made durable already: it becomes visible in its own time.
  if (is_open(position_of(record)) || !apply(record)) return false;
  announce(record, out);
  // This node's own old word came back: it must agree with the disk.
  if (!is_name && record.dot.writer == self_) reconcile(digest_of(record));
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

void Catalogue::reconcile() {
  std::set<Digest> digests;
  for (auto const& [digest, size] : local_) digests.insert(digest);
  for (auto const& [key, record] : holdings_) {
    if (key.second == self_) digests.insert(key.first);
  }
  for (Digest const& digest : digests) reconcile(digest);
}

void Catalogue::reconcile(Digest const& digest) {
  auto const local = local_.find(digest);
  bool const said = holding(digest, self_) != nullptr;
  if (local != local_.end() && !said) append_holding(HaveRecord{digest, local->second});
  if (local == local_.end() && said) append_holding(DropRecord{digest});
}

}  // namespace chisme::cluster
