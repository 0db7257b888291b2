#include "tests/simulation/network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cluster/base/check.hpp"
#include "cluster/base/planted_bug.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;
using cluster::Channel;

constexpr std::uint16_t first_port = 8701;
constexpr unsigned nobody = std::numeric_limits<unsigned>::max();
// Linux's TCP: RFC 6298 with its least timeout, and as many repetitions as count here.
constexpr Duration first_retransmission = 200ms;
constexpr Duration first_syn_retransmission = 1s;
constexpr unsigned retransmissions_max = 8;
// PeerTransport's.
constexpr Duration connect_timeout = 2s;
constexpr Duration idle_timeout = 60s;

Endpoint endpoint_at(std::uint16_t port) {
  Endpoint endpoint;  // ::ffff:127.0.0.1
  endpoint.address[10] = endpoint.address[11] = 0xff;
  endpoint.address[12] = 127;
  endpoint.address[15] = 1;
  endpoint.port = port;
  return endpoint;
}

}  // namespace

void Network::add(Machine& machine) {
  places_.push_back(&machine);
  acquaintances_.add();
  streams_.emplace_back();
  ports_.push_back(0);
  move(static_cast<unsigned>(places_.size()) - 1);
}

Endpoint Network::endpoint_of(unsigned place) const {
  return endpoint_at(ports_[place]);
}

void Network::move(unsigned place) {
  CHECK(owner_.size() < std::numeric_limits<Port>::max() - first_port);
  if (ports_[place] != 0) owner_[ports_[place] - first_port] = nobody;
  ports_[place] = static_cast<Port>(first_port + owner_.size());
  owner_.push_back(place);
}

void Network::take_address(unsigned place, unsigned other) {
  Port const taken = ports_[other];
  move(other);
  owner_[ports_[place] - first_port] = nobody;
  ports_[place] = taken;
  owner_[taken - first_port] = place;
  heirs_.insert(place);
}

std::optional<unsigned> Network::place_at(Port port) const {
  if (port < first_port || port - first_port >= static_cast<int>(owner_.size())) {
    return std::nullopt;
  }
  unsigned const owner = owner_[port - first_port];
  if (owner == nobody) return std::nullopt;
  return owner;
}

std::optional<unsigned> Network::place_at(Endpoint const& endpoint) const {
  return endpoint == endpoint_at(endpoint.port) ? place_at(endpoint.port) : std::nullopt;
}

std::uint64_t Network::cut(Cut cut) {
  cuts_[++cuts_made_] = std::move(cut);
  return cuts_made_;
}

void Network::heal() {
  weather_ = {};
  cuts_.clear();
  clogs_.clear();
}

bool Network::passes(unsigned from, unsigned to, Channel channel) const {
  return std::all_of(cuts_.begin(), cuts_.end(), [&](auto const& entry) {
    Cut const& cut = entry.second;
    if (cut.sides[from] == cut.sides[to]) return true;
    if (cut.only && cut.only != channel) return true;
    return cut.one_way && cut.sides[from] < cut.sides[to];
  });
}

bool Network::connects(unsigned a, unsigned b) const {
  return passes(a, b, Channel::stream) && passes(b, a, Channel::stream);
}

Duration Network::delay() {
  double const factor = -std::log(1 - random_.uniform());
  return 20us +
         Duration{static_cast<Duration::rep>(static_cast<double>(weather_.delay.count()) * factor)};
}

// How long a clogged link keeps what is sent now.
Duration Network::held(unsigned from, Port port) const {
  Duration longest{};
  if (clogs_.empty()) return longest;
  unsigned const to = place_at(port).value_or(nobody);
  for (Clog const& clog : clogs_) {
    bool const is_on_link = clog.peer ? (clog.place == from && *clog.peer == to) ||
                                            (clog.place == to && *clog.peer == from)
                                      : clog.place == from || clog.place == to;
    if (is_on_link) longest = std::max(longest, clog.until - agenda_.now());
  }
  return longest;
}

void Network::send(unsigned from, Endpoint const& to, Channel channel, std::string bytes) {
  ++counts_.messages;
  // With such a bug, messages go anywhere.
  if (planted(PlantedBug::damage_is_not_seen) && to != endpoint_at(to.port)) return;
  CHECK(to == endpoint_at(to.port));
  if (channel == Channel::datagram) {
    send_datagram(from, to.port, std::move(bytes));
  } else {
    send_stream(from, to.port, std::move(bytes));
  }
}

void Network::send_datagram(unsigned from, Port to, std::string bytes) {
  bool const is_twice = random_.chance(weather_.duplication);
  if (is_twice) ++counts_.duplicated;
  for (int i = 0; i < (is_twice ? 2 : 1); ++i) {
    bool const is_lost = random_.chance(weather_.loss);
    bool const is_damaged = random_.chance(weather_.corruption);
    Duration const after = delay() + held(from, to);
    auto const target = place_at(to);
    if (is_lost) ++counts_.lost;
    if (is_lost || !target || !passes(from, *target, Channel::datagram)) continue;
    std::string arriving = i == 0 && is_twice ? bytes : std::move(bytes);
    if (is_damaged) {
      ++counts_.damaged;
      arriving[random_.below(arriving.size())] ^= static_cast<char>(1u << random_.below(8));
    }
    fly(after, from, to, std::move(arriving));
  }
}

void Network::fly(Duration delay, unsigned from, Port to, std::string bytes) {
  agenda_.after(delay, [this, from, to, bytes = std::move(bytes)]() mutable {
    auto const target = place_at(to);
    if (target && places_[*target]->is_up()) {
      deliver(from, *target, Channel::datagram, std::move(bytes));
    }
  });
}

void Network::deliver(unsigned from, unsigned to, Channel channel, std::string bytes) {
  acquaintances_.meet(from, to, agenda_.now());
  places_[to]->deliver(channel, std::move(bytes));
}

void Network::send_stream(unsigned from, Port to, std::string bytes) {
  Stream& stream = streams_[from][to];
  Instant const now = agenda_.now();
  if (stream.fails && now < *stream.fails) return;  // lost with the rest, as will be reported
  bool const is_idle = now - stream.last_used > idle_timeout;
  stream.last_used = now;
  Duration const opening = !stream.is_open || is_idle ? open(stream, from, to) : Duration{};
  if (stream.fails) return;
  Duration const lost = repeated(weather_.loss, first_retransmission);
  Duration const transit = opening + delay() + lost + held(from, to);
  stream.last_delivery = std::max(stream.last_delivery, now + transit);
  agenda_.at(stream.last_delivery,
             [this, from, to, connection = stream.connection, bytes = std::move(bytes)]() mutable {
               arrive(from, to, connection, std::move(bytes));
             });
}

// A lost answer has the packet repeated, too.
Duration Network::open(Stream& stream, unsigned from, Port to) {
  double const either_lost = 1 - (1 - weather_.loss) * (1 - weather_.loss);
  Duration const taken = repeated(either_lost, first_syn_retransmission) + delay() + delay();
  stream.is_open = taken <= connect_timeout;
  stream.fails.reset();
  if (!stream.is_open) {
    stream.fails = agenda_.now() + connect_timeout;
    report_unreachable(connect_timeout, from, to);
  }
  return taken;
}

void Network::end(Stream& stream) {
  ++stream.connection;
  stream.is_open = false;
}

Duration Network::repeated(double loss, Duration first) {
  Duration sum{};
  for (unsigned i = 0; i < retransmissions_max && random_.chance(loss); ++i) {
    sum += first * (1u << i);
  }
  return sum;
}

void Network::arrive(unsigned from, Port to, std::uint64_t connection, std::string bytes) {
  Stream& stream = streams_[from][to];
  if (stream.connection != connection) return;
  auto const target = place_at(to);
  bool const reaches = target && connects(from, *target);
  if (reaches && places_[*target]->is_up()) {
    deliver(from, *target, Channel::stream, std::move(bytes));
    return;
  }
  end(stream);
  stream.last_delivery = agenda_.now();
  // A machine that is there refuses at once; from an address without one nothing comes back.
  report_unreachable(reaches ? delay() : connect_timeout, from, to);
}

void Network::report_unreachable(Duration after, unsigned from, Port to) {
  agenda_.after(after, [this, from, to] {
    if (places_[from]->is_up()) places_[from]->unreachable(endpoint_at(to));
  });
}

void Network::forget_streams(unsigned place) {
  for (auto& [to, stream] : streams_[place]) {
    if (random_.chance(0.5)) ++stream.connection;
    stream.is_open = false;
  }
  for (unsigned from = 0; from < places_.size(); ++from) {
    auto const found = streams_[from].find(ports_[place]);
    if (found == streams_[from].end()) continue;
    // What had not arrived is lost with the connection, and its sender hears of it.
    Stream& stream = found->second;
    stream.is_open = false;
    if (stream.last_delivery <= agenda_.now()) continue;
    end(stream);
    report_unreachable(delay(), from, ports_[place]);
  }
}

}  // namespace chisme::simulation
