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
  own_.record.id = self;
  own_.record.epoch = epoch;
  own_.received = now;
}

void LoadTable::measure(LoadSampled const& sampled, std::uint8_t health, Instant now) {
  capacity_.sample({.bytes_per_second = static_cast<double>(sampled.bytes_per_second_now),
                    .in_flight = sampled.in_flight,
                    .saturated = sampled.saturated},
                   now);
  own_.received = now;
  ++own_.record.sequence;
  own_.record.in_flight = sampled.in_flight;
  own_.record.capacity = static_cast<float>(capacity_.value());
  own_.record.arrival_rate = sampled.arrival_rate;
  own_.record.bytes_per_second = sampled.bytes_per_second;
  own_.record.delay_seconds = sampled.delay_seconds;
  own_.record.error_ratio = sampled.error_ratio;
  own_.record.disk_used_ratio = sampled.disk_used_ratio;
  own_.record.health = health;
}

void LoadTable::set_health(std::uint8_t health) {
  ++own_.record.sequence;
  own_.record.health = health;
}

LoadRecord LoadTable::own(Instant now) const {
  return aged(own_.record, now - own_.received);
}

bool LoadTable::is_news(LoadRecord const& record) const {
  if (record.id == self_) return false;
  Entry const* const known = others_.find(record.id);
  return known == nullptr || std::tie(record.epoch, record.sequence) >
                                 std::tie(known->record.epoch, known->record.sequence);
}

bool LoadTable::merge(LoadRecord const& record, Instant now) {
  if (!is_news(record)) return false;
  if (others_.size() + 1 >= members_max && !others_.contains(record.id)) return false;
  others_[record.id] = {record, now};
  return true;
}

LoadTable::Entry const* LoadTable::find(NodeId node) const {
  return node == self_ ? &own_ : others_.find(node);
}

void LoadTable::failed(NodeId node, Instant now, Contact contact) {
  if (failures_.size() >= members_max && !failures_.contains(node)) return;
  Failures& failures = failures_[node];
  unsigned& in_row = failures.in_row[static_cast<std::size_t>(contact)];
  if (++in_row < failures_max) return;
  in_row = 0;
  failures.ejections = std::min(failures.ejections + 1, ejections_max);
  ejections_.erase({failures.ejected_until, node});
  failures.ejected_until = now + ejection * failures.ejections;
  ejections_.emplace(failures.ejected_until, node);
}

void LoadTable::succeeded(NodeId node, Contact contact) {
  auto const found = failures_.find(node);
  if (found != failures_.end()) found->second.in_row[static_cast<std::size_t>(contact)] = 0;
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
  others_.erase(node);
  pardon(node);
}

}  // namespace chisme::cluster
