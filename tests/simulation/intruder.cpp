#include "tests/simulation/intruder.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/wire/codec.hpp"
#include "tests/simulation/sight.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr ClusterTag another_cluster{0x0f0f0f0f};
constexpr double remembered = 0.1;

std::vector<Record> const* records_of(Message const& message) {
  if (auto const* const ping = std::get_if<Ping>(&message)) return &ping->piggyback;
  if (auto const* const ack = std::get_if<Ack>(&message)) return &ack->piggyback;
  auto const* const gossip = std::get_if<Gossip>(&message);
  return gossip == nullptr ? nullptr : &gossip->records;
}

bool tells_a_name(std::string const& bytes) {
  Result<Envelope> const envelope = decode(bytes, datagram_bytes_max);
  auto const* const records = envelope ? records_of(envelope->message) : nullptr;
  return records != nullptr && std::ranges::any_of(*records, [](Record const& record) {
           auto const* const change = std::get_if<CatalogueRecord>(&record);
           return change != nullptr && std::holds_alternative<PutRecord>(change->change);
         });
}

}  // namespace

void Intruder::sends(Send const& what, std::string const& bytes) {
  if (what.channel != Channel::datagram || !random_.chance(remembered)) return;
  remembered_.push_back({what.to, bytes, around_.agenda.now()});
  if (remembered_.size() > remembered_max) remembered_.pop_front();
}

void Intruder::act() {
  Instant const now = around_.agenda.now();
  if (now < next_ || remembered_.empty()) return;
  next_ = now + period;
  Host const& host = *around_.hosts[random_.below(around_.hosts.size())];
  std::string const& bytes = remembered_[random_.below(remembered_.size())].bytes;
  Result<Envelope> const envelope = decode(bytes, datagram_bytes_max);
  if (!envelope) return;
  refused(host, encode(*envelope, another_cluster), "a message of another cluster");
  refused(host, damaged(bytes), "a damaged message");
  replay();
}

void Intruder::refused(Host const& host, std::string const& bytes, char const* what) {
  if (!decode(bytes, datagram_bytes_max)) return;
  around_.violated(Invariant::foreign_changes_nothing, name_of(host) + " takes " + what);
}

std::string Intruder::damaged(std::string bytes) {
  bytes[random_.below(bytes.size())] ^= static_cast<char>(1u << random_.below(8));
  return bytes;
}

void Intruder::replay() {
  Datagram const& old = remembered_[random_.below(remembered_.size())];
  bool const is_recent = around_.agenda.now() - old.sent < Workload::forgotten_after;
  if (!is_recent && tells_a_name(old.bytes)) return;
  for (auto const& host : around_.hosts) {
    bool const is_there = around_.network->endpoint_of(host->index()) == old.to;
    if (is_there && host->is_up()) return host->deliver(Channel::datagram, old.bytes);
  }
}

}  // namespace chisme::simulation
