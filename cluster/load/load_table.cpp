#include "cluster/load/load_table.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>

#include "cluster/config.hpp"

namespace chisme::cluster {
namespace {

constexpr unsigned ejections_max = 20;

// The record as it is after it lay somewhere for `residence`.
LoadRecord aged(LoadRecord record, Duration residence) {
  auto const more = std::chrono::duration_cast<std::chrono::milliseconds>(residence).count();
  auto const age = std::int64_t{record.age_ms} + std::max<std::int64_t>(0, more);
  record.age_ms = static_cast<std::uint32_t>(
      std::min<std::int64_t>(age, std::numeric_limits<std::uint32_t>::max()));
  return record;
}

}  // namespace

LoadTable::LoadTable(NodeId self, Epoch epoch, Instant now) : self_(self), capacity_(now) {
  LoadRecord record;
  record.id = self;
  record.epoch = epoch;
  entries_[self] = {record, now};
}

void LoadTable::measure(LoadSampled const& sampled, std::uint8_t health, Instant now) {
  capacity_.sample({.bytes_per_second = static_cast<double>(sampled.bytes_per_second_now),
                    .in_flight = sampled.in_flight,
                    .saturated = sampled.saturated},
                   now);
  Entry& own = entries_[self_];
  own.received = now;
  ++own.record.sequence;
  own.record.in_flight = sampled.in_flight;
  own.record.capacity = static_cast<float>(capacity_.value());
  own.record.arrival_rate = sampled.arrival_rate;
  own.record.bytes_per_second = sampled.bytes_per_second;
  own.record.delay_seconds = sampled.delay_seconds;
  own.record.error_ratio = sampled.error_ratio;
  own.record.disk_used_ratio = sampled.disk_used_ratio;
  own.record.health = health;
}

LoadRecord LoadTable::own(Instant now) const {
  Entry const& own = entries_.at(self_);
  return aged(own.record, now - own.received);
}

bool LoadTable::merge(LoadRecord const& record, Instant now) {
  if (record.id == self_) return false;
  auto const found = entries_.find(record.id);
  if (found == entries_.end()) {
    if (entries_.size() >= members_max) return false;
    entries_[record.id] = {record, now};
    return true;
  }
  LoadRecord const& known = found->second.record;
  if (std::tie(record.epoch, record.sequence) <= std::tie(known.epoch, known.sequence))
    return false;
  found->second = {record, now};
  return true;
}

std::optional<LoadRecord> LoadTable::passed_on(NodeId node, Instant now) const {
  Entry const* const entry = find(node);
  if (entry == nullptr) return std::nullopt;
  return aged(entry->record, now - entry->received);
}

LoadTable::Entry const* LoadTable::find(NodeId node) const {
  auto const found = entries_.find(node);
  return found == entries_.end() ? nullptr : &found->second;
}

void LoadTable::failed(NodeId node, Instant now) {
  if (failures_.size() >= members_max && !failures_.contains(node)) return;
  Failures& failures = failures_[node];
  if (++failures.in_row < failures_max) return;
  failures.in_row = 0;
  failures.ejections = std::min(failures.ejections + 1, ejections_max);
  ejections_.erase({failures.ejected_until, node});
  failures.ejected_until = now + ejection * failures.ejections;
  ejections_.emplace(failures.ejected_until, node);
}

void LoadTable::succeeded(NodeId node) {
  if (auto const found = failures_.find(node); found != failures_.end()) found->second.in_row = 0;
}

bool LoadTable::is_ejected(NodeId node, Instant now) const {
  auto const found = failures_.find(node);
  return found != failures_.end() && now < found->second.ejected_until;
}

std::size_t LoadTable::ejected_count(Instant now) {
  while (!ejections_.empty() && ejections_.begin()->first <= now) {
    ejections_.erase(ejections_.begin());
  }
  return ejections_.size();
}

std::optional<Instant> LoadTable::ejections_change_at() const {
  if (ejections_.empty()) return std::nullopt;
  return ejections_.begin()->first;
}

void LoadTable::pardon(NodeId node) {
  auto const found = failures_.find(node);
  if (found == failures_.end()) return;
  ejections_.erase({found->second.ejected_until, node});
  failures_.erase(found);
}

void LoadTable::forget(NodeId node) {
  if (node == self_) return;
  entries_.erase(node);
  pardon(node);
}

}  // namespace chisme::cluster
