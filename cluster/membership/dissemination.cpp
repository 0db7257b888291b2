#include "cluster/membership/dissemination.hpp"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/base/random.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/placement/rendezvous.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster {
namespace {

constexpr unsigned loads_told = 4;
// How many records that do not fit any more are passed over before a datagram counts as full.
constexpr unsigned misfits_max = 8;

// 4 * ceil(log10(N + 1)), by multiplication: exact, and the same on every machine.
unsigned times_told(std::size_t members) {
  unsigned digits = 1;
  for (std::size_t reach = 10; reach < members + 1; reach *= 10) ++digits;
  return 4 * digits;
}

template <class T, class... Kinds>
constexpr bool is_any = (std::is_same_v<T, Kinds> || ...);

std::uint64_t hash_of(NodeId id) {
  return mix(id.high ^ mix(id.low));
}

// Of the name, or of the node and its object, that a change is about.
std::uint64_t hash_of(CatalogueRecord const& record) {
  if (log_of(record.change) == LogKind::names) return placement_key(name_of(record));
  std::uint64_t hash = hash_of(record.dot.writer);
  for (std::uint8_t const byte : digest_of(record).bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return mix(hash);
}

// News about one node has one hash, whatever its kind.
std::uint64_t hash_of(Record const& record) {
  return std::visit(Overloaded{[](LoadRecord const& r) { return mix(hash_of(r.id)); },
                               [](CatalogueRecord const& r) { return hash_of(r); },
                               [](auto const& r) { return hash_of(r.id); }},
                    record);
}

// A change waits no longer than until the next of the same name, or of the same copy. Were the
// older one told after its successor, it could come to somebody who has forgotten the successor
// already because it was an old removal.
bool outdoes(CatalogueRecord const& newer, CatalogueRecord const& waits) {
  if (log_of(newer.change) != log_of(waits.change)) return false;
  if (log_of(newer.change) == LogKind::names) {
    return name_of(newer) == name_of(waits) && version_of(newer) >= version_of(waits);
  }
  return newer.dot.writer == waits.dot.writer && digest_of(newer) == digest_of(waits) &&
         position_of(newer) >= position_of(waits);
}

// Whether what waits is old, or of no use, once `newer` is there: a node's older load, the same
// accusation, whatever was said of a node that is now alive, dead or gone, an older change.
bool supersedes(Record const& newer, Record const& waits) {
  return std::visit(
      []<class A, class B>(A const& a, B const& b) {
        constexpr bool about_node = !is_any<A, LoadRecord, CatalogueRecord, SuspectRecord>;
        if constexpr (is_any<A, LoadRecord> && is_any<B, LoadRecord>) {
          return a.id == b.id;
        } else if constexpr (is_any<A, CatalogueRecord> && is_any<B, CatalogueRecord>) {
          return outdoes(a, b);
        } else if constexpr (is_any<A, SuspectRecord> && is_any<B, SuspectRecord>) {
          return a.id == b.id && a.from == b.from;
        } else if constexpr (about_node && !is_any<B, LoadRecord, CatalogueRecord>) {
          return a.id == b.id;
        } else {
          return false;
        }
      },
      newer, waits);
}

}  // namespace

Dissemination::Urgency Dissemination::urgency_of(Record const& record) const {
  return std::visit(Overloaded{[&](AliveRecord const& r) {
                                 return r.id == self_ ? Urgency::own : Urgency::alive;
                               },
                               [](SuspectRecord const&) { return Urgency::suspect; },
                               [](DeadRecord const&) { return Urgency::dead; },
                               [](LeftRecord const&) { return Urgency::dead; },
                               [](LoadRecord const&) { return Urgency::load; },
                               [](CatalogueRecord const&) { return Urgency::catalogue; }},
                    record);
}

void Dissemination::add(Record record, Instant now) {
  if (size_ == buckets_.size()) grow();
  remove_superseded_by(record);
  Urgency const urgency = urgency_of(record);
  make_room(urgency);
  Index at = free_;
  if (at == none) {
    at = static_cast<Index>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[at].after;
  }
  std::size_t const bytes = encoded_size(record);
  Index& bucket = bucket_of(record);
  entries_[at] = {.record = std::move(record),
                  .bytes = bytes,
                  .added = now,
                  .urgency = urgency,
                  .next = std::exchange(bucket, at)};
  enqueue(at);
  ++size_;
  ++counts_[static_cast<std::size_t>(urgency)];
}

void Dissemination::remove_superseded_by(Record const& record) {
  for (Index at = bucket_of(record); at != none;) {
    Index const next = entries_[at].next;
    if (supersedes(record, entries_[at].record)) remove(at);
    at = next;
  }
}

void Dissemination::remove(Index at) {
  dequeue(at);
  unlink(at);
  Entry& entry = entries_[at];
  --size_;
  --counts_[static_cast<std::size_t>(entry.urgency)];
  entry.record = LeftRecord{};  // lets go of what it allocated
  entry.after = std::exchange(free_, at);
}

void Dissemination::make_room(Urgency urgency) {
  if (count_of(urgency) < records_max) return;
  auto const& queues = queues_[static_cast<std::size_t>(urgency)];
  for (auto queue = queues.rbegin(); queue != queues.rend(); ++queue) {
    if (queue->last != none) return remove(queue->last);
  }
}

void Dissemination::forget_changes() {
  for (Queue const& queue : queues_[static_cast<std::size_t>(Urgency::catalogue)]) {
    while (queue.first != none) remove(queue.first);
  }
}

Record Dissemination::told_copy(Entry const& entry, Instant now) const {
  Record copy = entry.record;
  if (auto* load = std::get_if<LoadRecord>(&copy)) {
    auto const waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.added);
    std::uint64_t const age = load->age_ms + static_cast<std::uint64_t>(waited.count());
    load->age_ms = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(age, std::numeric_limits<std::uint32_t>::max()));
  }
  return copy;
}

void Dissemination::take(std::size_t bytes, std::size_t members, Instant now,
                         std::vector<Record>& out) {
  if (empty()) return;
  std::vector<Index> taken;
  unsigned misfits = 0;
  for (std::size_t urgency = 0; urgency < urgencies; ++urgency) {
    std::size_t left = counts_[urgency];  // most kinds are empty most of the time
    for (unsigned sent = 0; left > 0 && misfits < misfits_max; ++sent) {
      Index at = queues_[urgency][sent].first;
      for (; at != none && misfits < misfits_max; at = entries_[at].after, --left) {
        Entry const& entry = entries_[at];
        if (entry.bytes > bytes) {
          ++misfits;
          continue;
        }
        bytes -= entry.bytes;
        out.push_back(told_copy(entry, now));
        taken.push_back(at);
      }
    }
  }
  for (Index const at : taken) told(at, members);
}

void Dissemination::told(Index at, std::size_t members) {
  Entry& entry = entries_[at];
  unsigned wanted = std::min(times_told(members), told_max);
  if (entry.urgency == Urgency::load) wanted = loads_told;
  if (entry.urgency == Urgency::catalogue) wanted = std::min(wanted, changes_told_max);
  if (entry.sent + 1 >= wanted) return remove(at);
  dequeue(at);
  ++entry.sent;
  enqueue(at);
}

// ---- Links
// ---------------------------------------------------------------------------------------

void Dissemination::enqueue(Index at) {
  Entry& entry = entries_[at];
  Queue& queue = queue_of(entry);
  entry.after = none;
  entry.before = std::exchange(queue.last, at);
  (entry.before == none ? queue.first : entries_[entry.before].after) = at;
}

void Dissemination::dequeue(Index at) {
  Entry const& entry = entries_[at];
  Queue& queue = queue_of(entry);
  (entry.before == none ? queue.first : entries_[entry.before].after) = entry.after;
  (entry.after == none ? queue.last : entries_[entry.after].before) = entry.before;
}

Dissemination::Index& Dissemination::bucket_of(Record const& record) {
  return buckets_[hash_of(record) & (buckets_.size() - 1)];
}

void Dissemination::unlink(Index at) {
  Index* link = &bucket_of(entries_[at].record);
  while (*link != at) link = &entries_[*link].next;
  *link = entries_[at].next;
}

void Dissemination::grow() {
  buckets_.assign(std::max<std::size_t>(16, 2 * buckets_.size()), none);
  for (auto const& queues : queues_) {
    for (Queue const& queue : queues) {
      for (Index at = queue.first; at != none; at = entries_[at].after) {
        entries_[at].next = std::exchange(bucket_of(entries_[at].record), at);
      }
    }
  }
}

}  // namespace chisme::cluster
