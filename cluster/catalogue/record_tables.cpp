#include "cluster/catalogue/record_tables.hpp"

#include <algorithm>
#include <tuple>

#include "cluster/base/check.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/expiry.hpp"

namespace chisme::cluster {
namespace {

// By these the index of the logs finds records: where a name's record is, the first bits of a
// holding's digest.
std::uint64_t handle_of(CatalogueRecord const* record) {
  return reinterpret_cast<std::uintptr_t>(record);
}
std::uint64_t handle_of(Digest const& digest) {
  return first_bits(digest);
}
Digest least_digest(std::uint64_t handle) {
  Digest digest;
  for (std::size_t i = 0; i < sizeof handle; ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(handle >> (56 - 8 * i));
  }
  return digest;
}

LogPosition position_of(Holding const& holding) {
  return {holding.holder, LogKind::holdings, holding.epoch, holding.sequence};
}

// Of two of one holder on one object.
bool is_later(Holding const& a, Holding const& b) {
  return a.dot() != b.dot() ? a.dot() > b.dot() : a.has < b.has;
}

// By name, the current one of each.
std::vector<CatalogueRecord> newest_names(std::vector<CatalogueRecord> names) {
  auto const before = [](CatalogueRecord const& a, CatalogueRecord const& b) {
    if (int const order = name_of(a).compare(name_of(b)); order != 0) return order < 0;
    return std::tie(version_of(b), b.dot) < std::tie(version_of(a), a.dot);  // the newest first
  };
  if (!std::ranges::is_sorted(names, before)) std::ranges::sort(names, before);
  auto const same = [](CatalogueRecord const& a, CatalogueRecord const& b) {
    return name_of(a) == name_of(b);
  };
  names.erase(std::unique(names.begin(), names.end(), same), names.end());
  return names;
}

// By digest.
std::vector<HeldObject> held_objects(std::vector<CatalogueRecord> records) {
  auto const before = [](CatalogueRecord const& a, CatalogueRecord const& b) {
    bool const drops_a = is_tombstone(a);
    bool const drops_b = is_tombstone(b);
    return std::tie(digest_of(a), a.dot, drops_a) < std::tie(digest_of(b), b.dot, drops_b);
  };
  if (!std::ranges::is_sorted(records, before)) std::ranges::sort(records, before);
  std::vector<HeldObject> objects;
  for (CatalogueRecord const& record : records) {
    if (objects.empty() || objects.back().digest != digest_of(record)) {
      objects.push_back({digest_of(record), {}, {}});
    }
    auto const* const have = std::get_if<HaveRecord>(&record.change);
    if (have != nullptr) objects.back().size = have->size;
    auto& holdings = objects.back().holdings;
    Dot const& dot = record.dot;
    if (!holdings.empty() && holdings.back().holder == dot.writer) holdings.pop_back();  // older
    holdings.push_back({dot.writer, dot.sequence, dot.epoch, have != nullptr});
  }
  for (HeldObject& object : objects) object.holdings.shrink_to_fit();
  return objects;
}

auto find_holder(std::vector<Holding> const& holdings, NodeId holder) {
  return std::ranges::lower_bound(holdings, holder, {}, &Holding::holder);
}

}  // namespace

// A disk holds one record of each subject, but may give an older one beside it.
void RecordTables::load(std::vector<CatalogueRecord> records) {
  std::vector<CatalogueRecord> names;
  std::vector<CatalogueRecord> holdings;
  for (CatalogueRecord& record : records) {
    bool const is_name = log_of(record.change) == LogKind::names;
    (is_name ? names : holdings).push_back(std::move(record));
  }
  records = {};
  snapshot_.names_ = NamesTable::of(newest_names(std::move(names)));
  snapshot_.objects_ = ObjectsTable::of(held_objects(std::move(holdings)));
  logs_.load();
  std::vector<Use> uses;
  snapshot_.names_.walk([&](CatalogueRecord const& record) {
    index_name(&record);
    auto const* const put = std::get_if<PutRecord>(&record.change);
    if (put != nullptr) uses.emplace_back(put->digest, &record);
    return true;
  });
  std::vector<Digest> touched = load_uses(std::move(uses));
  snapshot_.objects_.walk([&](HeldObject const& object) {
    for (Holding const& one : object.holdings) {
      fingerprints_.flip(slot_of(object.digest), mark_of(object.digest, one.dot(), one.has));
      logs_.add(position_of(one), handle_of(object.digest));
      if (one.has) touched.push_back(object.digest);
    }
    return true;
  });
  std::ranges::sort(touched);
  touched_ = {touched.begin(), touched.end()};
  logs_.settle();
}

// Returns what they are of, in order: so a tree grows at its end.
std::vector<Digest> RecordTables::load_uses(std::vector<Use> uses) {
  std::ranges::sort(uses, {}, &Use::first);
  std::vector<Digest> used;
  for (auto const& [digest, record] : uses) {
    if (used.empty() || used.back() != digest) {
      used.push_back(digest);
      uses_.emplace_hint(uses_.end(), digest, ObjectUse{});
    }
    add_use(std::prev(uses_.end())->second, *record);
  }
  return used;
}

bool RecordTables::apply(CatalogueRecord const& record) {
  return log_of(record.change) == LogKind::names ? apply_name(record) : apply_holding(record);
}

// ---- Names --------------------------------------------------------------------------------------

CatalogueRecord const* RecordTables::newest(std::string_view name) const {
  return snapshot_.names_.find(name);
}

// Last writer wins: the greater version stays. Equal versions are one write, told twice; should
// they have two dots, the greater stays, so that all nodes agree.
bool RecordTables::apply_name(CatalogueRecord const& record) {
  CatalogueRecord const* const old = newest(name_of(record));
  if (old != nullptr) {
    Version const& stored = version_of(*old);
    Version const& told = version_of(record);
    bool const older = told < stored && !planted(PlantedBug::older_version_wins);
    bool const forgotten = std::holds_alternative<DeleteRecord>(old->change) && told != stored &&
                           planted(PlantedBug::tombstones_do_not_count);
    if ((older || (told == stored && record.dot <= old->dot)) && !forgotten) return false;
    auto const* const put = std::get_if<PutRecord>(&old->change);
    auto const* const removal = std::get_if<DeleteRecord>(&record.change);
    bool const is_removal = put != nullptr && removal != nullptr;
    remove_name(*old, is_removal && is_expiry_removal(*removal, *put));
  }
  add_name(snapshot_.names_.insert(record));
  return true;
}

void RecordTables::add_name(CatalogueRecord const* stored) {
  index_name(stored);
  auto const* const put = std::get_if<PutRecord>(&stored->change);
  if (put == nullptr) return;
  add_use(uses_[put->digest], *stored);
  touched_.insert(put->digest);
}

void RecordTables::index_name(CatalogueRecord const* stored) {
  std::uint16_t const slot = slot_of(*stored);
  fingerprints_.flip(slot, mark_of(*stored));
  names_by_slot_[slot].push_back(stored);
  logs_.add(cluster::position_of(*stored), handle_of(stored));
  auto const* const put = std::get_if<PutRecord>(&stored->change);
  auto const expires = put != nullptr ? expiry_of(*put) : std::nullopt;
  if (expires) expiring_.emplace(*expires, put->name);
}

// REQUIRES: `stored` is a put.
void RecordTables::add_use(ObjectUse& use, CatalogueRecord const& stored) {
  auto const& put = std::get<PutRecord>(stored.change);
  ++snapshot_.files_;
  use.size = put.size;
  auto& puts = use.names.puts_;
  puts.reserve(puts.size() + 1);
  puts.insert(std::ranges::upper_bound(puts, put.name, {},
                                       [](auto const* one) -> auto& { return name_of(*one); }),
              &stored);
}

// What follows from the record; it stays in its table.
void RecordTables::remove_name(CatalogueRecord const& stored, bool expired) {
  std::uint16_t const slot = slot_of(stored);
  fingerprints_.flip(slot, mark_of(stored));
  std::erase(names_by_slot_[slot], &stored);
  logs_.remove(cluster::position_of(stored), handle_of(&stored));
  auto const* const put = std::get_if<PutRecord>(&stored.change);
  if (put == nullptr) return;
  --snapshot_.files_;
  if (auto const expires = expiry_of(*put)) expiring_.erase({*expires, put->name});
  auto const use = uses_.find(put->digest);
  CHECK(use != uses_.end());
  std::erase(use->second.names.puts_, &stored);
  if (use->second.names.empty()) {
    uses_.erase(use);
    unnamed_.insert_or_assign(put->digest, Unnamed{put->name, expired});
  }
  touched_.insert(put->digest);
}

// ---- Holdings -----------------------------------------------------------------------------------

CatalogueRecord RecordTables::record_of(HeldObject const& object, Holding const& holding) {
  if (holding.has) return {holding.dot(), HaveRecord{object.digest, object.size}};
  return {holding.dot(), DropRecord{object.digest}};
}

std::optional<CatalogueRecord> RecordTables::holding(Digest const& digest, NodeId holder) const {
  HeldObject const* const object = snapshot_.objects_.find(digest);
  if (object == nullptr) return std::nullopt;
  auto const found = find_holder(object->holdings, holder);
  if (found == object->holdings.end() || found->holder != holder) return std::nullopt;
  return record_of(*object, *found);
}

// Only the holder writes of its holdings, so the later of its words is true. Of two under one dot,
// of nodes with copies of one disk, the Drop stays: a holder that has the object says so again.
bool RecordTables::apply_holding(CatalogueRecord const& record) {
  Digest const& digest = digest_of(record);
  Dot const& dot = record.dot;
  HeldObject const* const before = snapshot_.objects_.find(digest);
  HeldObject object = before == nullptr ? HeldObject{digest, {}, {}} : *before;
  auto const place = object.holdings.begin() +
                     (find_holder(object.holdings, dot.writer) - object.holdings.cbegin());
  bool const known = place != object.holdings.end() && place->holder == dot.writer;
  auto const* const have = std::get_if<HaveRecord>(&record.change);
  Holding const now{dot.writer, dot.sequence, dot.epoch, have != nullptr};
  bool const twice = known && dot == place->dot() && now.has == place->has;
  if (twice && planted(PlantedBug::duplicates_move_the_fingerprint)) {
    fingerprints_.flip(slot_of(digest), mark_of(record));
  }
  bool const by_sequence = planted(PlantedBug::holding_epochs_do_not_count);
  if (known && by_sequence && dot.sequence <= place->sequence) return false;
  if (known && !by_sequence && !is_later(now, *place)) return false;
  if (have != nullptr) object.size = have->size;
  std::uint16_t const slot = slot_of(digest);
  if (known) {
    fingerprints_.flip(slot, mark_of(digest, place->dot(), place->has));
    logs_.remove(position_of(*place), handle_of(digest));
  }
  fingerprints_.flip(slot, mark_of(record));
  logs_.add(position_of(now), handle_of(digest));
  if ((known && place->has) != now.has) touched_.insert(digest);
  if (known) {
    *place = now;
  } else {
    object.holdings.insert(place, now);
  }
  snapshot_.objects_.insert(std::move(object));
  return true;
}

// ---- Any record ---------------------------------------------------------------------------------

bool RecordTables::erase(CatalogueRecord const& record) {
  if (current_dot(record) != record.dot) return false;
  if (log_of(record.change) == LogKind::names) {
    std::string const name = name_of(record);
    remove_name(*newest(name));
    return snapshot_.names_.erase(name);
  }
  Digest const digest = digest_of(record);
  HeldObject object = *snapshot_.objects_.find(digest);
  auto const place = find_holder(object.holdings, record.dot.writer);
  fingerprints_.flip(slot_of(digest), mark_of(digest, place->dot(), place->has));
  logs_.remove(position_of(*place), handle_of(digest));
  if (place->has) touched_.insert(digest);
  object.holdings.erase(place);
  if (object.holdings.empty()) return snapshot_.objects_.erase(digest);
  snapshot_.objects_.insert(std::move(object));
  return true;
}

std::optional<Dot> RecordTables::current_dot(CatalogueRecord const& record) const {
  if (log_of(record.change) == LogKind::names) {
    CatalogueRecord const* const current = newest(name_of(record));
    return current == nullptr ? std::nullopt : std::optional{current->dot};
  }
  auto const current = holding(digest_of(record), record.dot.writer);
  return current ? std::optional{current->dot} : std::nullopt;
}

CatalogueRecord RecordTables::record_of(LogIndex::Entry const& entry) const {
  if (entry.at.log == LogKind::names) {
    return *reinterpret_cast<CatalogueRecord const*>(static_cast<std::uintptr_t>(entry.record));
  }
  std::optional<CatalogueRecord> found;
  snapshot_.objects_.walk_from(least_digest(entry.record), [&](HeldObject const& object) {
    if (handle_of(object.digest) != entry.record) return false;
    auto const held = find_holder(object.holdings, entry.at.writer);
    bool const is_it = held != object.holdings.end() && position_of(*held) == entry.at;
    if (is_it) found = record_of(object, *held);
    return !is_it;
  });
  CHECK(found.has_value());
  return *std::move(found);
}

Digest RecordTables::first_digest(std::uint16_t slot) {
  return least_digest(std::uint64_t{slot} << 52);
}

}  // namespace chisme::cluster
