#include "cluster/membership/dissemination.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "cluster/base/overloaded.hpp"
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

}  // namespace

Dissemination::Key Dissemination::key_of(Record const& record) {
  return std::visit(
      Overloaded{[](SuspectRecord const& r) { return Key{Slot::accusation, r.id, r.from, 0, 0}; },
                 [](LoadRecord const& r) { return Key{Slot::load, r.id, {}, 0, 0}; },
                 [](CatalogueRecord const& r) {
                   auto const log = static_cast<std::uint64_t>(log_of(r.change));
                   std::uint64_t const epoch = r.dot.epoch.value();
                   return Key{Slot::catalogue, r.dot.writer, {}, epoch << 1 | log, r.dot.sequence};
                 },
                 [](auto const& r) { return Key{Slot::member, r.id, {}, 0, 0}; }},
      record);
}

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
  Key const key = key_of(record);
  if (auto const old = entries_.find(key); old != entries_.end()) remove(old);
  if (std::get<Slot>(key) == Slot::member) remove_accusations_of(std::get<1>(key));
  Urgency const urgency = urgency_of(record);
  make_room(urgency);
  Order const order{urgency, 0, arrivals_++};
  std::size_t const bytes = encoded_size(record);
  order_.emplace(order, key);
  entries_.emplace(key, Entry{std::move(record), bytes, now, order});
  ++counts_[static_cast<std::size_t>(urgency)];
}

void Dissemination::remove(std::map<Key, Entry>::iterator entry) {
  --counts_[static_cast<std::size_t>(entry->second.order.urgency)];
  order_.erase(entry->second.order);
  entries_.erase(entry);
}

void Dissemination::remove_accusations_of(NodeId id) {
  auto entry = entries_.lower_bound(Key{Slot::accusation, id, {}, 0, 0});
  while (entry != entries_.end() && std::get<Slot>(entry->first) == Slot::accusation &&
         std::get<1>(entry->first) == id) {
    remove(entry++);
  }
}

void Dissemination::make_room(Urgency urgency) {
  if (counts_[static_cast<std::size_t>(urgency)] < records_max) return;
  Order const past_last{urgency, std::numeric_limits<unsigned>::max(),
                        std::numeric_limits<std::uint64_t>::max()};
  auto const last = std::prev(order_.upper_bound(past_last));
  remove(entries_.find(last->second));
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
  std::vector<Key> taken;
  unsigned misfits = 0;
  for (auto const& [order, key] : order_) {
    Entry const& entry = entries_.find(key)->second;
    if (entry.bytes > bytes) {
      if (++misfits == misfits_max) break;
      continue;
    }
    bytes -= entry.bytes;
    out.push_back(told_copy(entry, now));
    taken.push_back(key);
  }
  for (Key const& key : taken) {
    auto const found = entries_.find(key);
    Order next = found->second.order;
    ++next.sent;
    if (next.sent >= (next.urgency == Urgency::load ? loads_told : times_told(members))) {
      remove(found);
      continue;
    }
    order_.erase(found->second.order);
    found->second.order = next;
    order_.emplace(next, key);
  }
}

}  // namespace chisme::cluster
