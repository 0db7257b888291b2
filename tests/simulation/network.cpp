#include "tests/simulation/network.hpp"

#include <algorithm>
#include <cmath>

#include "cluster/base/check.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;
using cluster::Channel;

constexpr std::uint16_t first_port = 8701;
constexpr Duration calm_delay = 200us;
constexpr Duration retransmission = 200ms;
constexpr Duration connect_timeout = 2s;

}  // namespace

Endpoint Network::endpoint_of(unsigned place) {
  Endpoint endpoint = *parse_endpoint("127.0.0.1:0");
  endpoint.port = static_cast<std::uint16_t>(first_port + place);
  return endpoint;
}

bool Network::passes(unsigned from, unsigned to, Channel channel) const {
  if (cut_.sides.empty() || cut_.sides[from] == cut_.sides[to]) return true;
  if (cut_.datagrams_only && channel == Channel::stream) return true;
  return cut_.one_way && cut_.sides[from] < cut_.sides[to];
}

bool Network::connects(unsigned a, unsigned b) const {
  return passes(a, b, Channel::stream) && passes(b, a, Channel::stream);
}

Duration Network::delay() {
  Duration const mean = scenario_ != nullptr ? scenario_->delay : calm_delay;
  double const factor = -std::log(1 - random_.uniform());
  return 20us + Duration{static_cast<Duration::rep>(static_cast<double>(mean.count()) * factor)};
}

void Network::send(unsigned from, Endpoint const& to, Channel channel, std::string bytes) {
  auto const target = static_cast<unsigned>(to.port - first_port);
  CHECK(to == endpoint_of(target) && target < places_.size());
  if (channel == Channel::datagram) {
    send_datagram(from, target, std::move(bytes));
  } else {
    send_stream(from, target, std::move(bytes));
  }
}

void Network::send_datagram(unsigned from, unsigned to, std::string bytes) {
  datagram_bytes_ += bytes.size();
  double const loss = scenario_ != nullptr ? scenario_->loss : 0;
  double const duplication = scenario_ != nullptr ? scenario_->duplication : 0;
  double const corruption = scenario_ != nullptr ? scenario_->corruption : 0;
  int const copies = random_.chance(duplication) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (random_.chance(loss) || !passes(from, to, Channel::datagram)) continue;
    std::string arriving = bytes;
    if (random_.chance(corruption)) {
      arriving[random_.below(arriving.size())] ^= static_cast<char>(1u << random_.below(8));
    }
    agenda_.after(delay(), [this, to, arriving = std::move(arriving)] {
      if (places_[to].is_up()) places_[to].deliver(Channel::datagram, arriving);
    });
  }
}

void Network::send_stream(unsigned from, unsigned to, std::string bytes) {
  Stream& stream = streams_[{from, to}];
  double const loss = scenario_ != nullptr ? scenario_->loss : 0;
  Duration const transit = delay() + (random_.chance(loss) ? retransmission : Duration{});
  stream.last_delivery = std::max(stream.last_delivery, agenda_.now() + transit);
  agenda_.at(stream.last_delivery,
             [this, from, to, connection = stream.connection, bytes = std::move(bytes)] {
               arrive(from, to, connection, bytes);
             });
}

void Network::arrive(unsigned from, unsigned to, std::uint64_t connection,
                     std::string const& bytes) {
  Stream& stream = streams_[{from, to}];
  if (stream.connection != connection) return;
  if (connects(from, to) && places_[to].is_up()) {
    places_[to].deliver(Channel::stream, bytes);
    return;
  }
  ++stream.connection;
  stream.last_delivery = agenda_.now();
  agenda_.after(connects(from, to) ? delay() : connect_timeout, [this, from, to] {
    if (places_[from].is_up()) places_[from].unreachable(endpoint_of(to));
  });
}

void Network::forget_streams(unsigned place) {
  for (auto& [ends, stream] : streams_) {
    if (ends.first == place && random_.chance(0.5)) ++stream.connection;
    if (ends.second != place) continue;
    // What had not arrived is lost with the connection, and its sender hears of it.
    if (stream.last_delivery <= agenda_.now()) continue;
    ++stream.connection;
    agenda_.after(delay(), [this, from = ends.first, place] {
      if (places_[from].is_up()) places_[from].unreachable(endpoint_of(place));
    });
  }
}

}  // namespace chisme::simulation
