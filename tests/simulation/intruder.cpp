#include "tests/simulation/intruder.hpp"

#include <utility>

#include "cluster/wire/codec.hpp"
#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr ClusterTag another_cluster{0x0f0f0f0f};
constexpr double remembered = 0.1;

}  // namespace

void Intruder::sends(Send const& what, std::string const& bytes) {
  if (what.channel != Channel::datagram || !random_.chance(remembered)) return;
  remembered_.push_back({what.to, bytes});
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
  for (auto const& host : around_.hosts) {
    bool const is_there = around_.network->endpoint_of(host->index()) == old.to;
    if (is_there && host->is_up()) return host->deliver(Channel::datagram, old.bytes);
  }
}

}  // namespace chisme::simulation
