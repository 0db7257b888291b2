#include "tests/simulation/balance/knowledge.hpp"

#include <chrono>
#include <cmath>

namespace chisme::simulation::balance {
namespace {

constexpr double bytes_per_stream_second = 1e6;
constexpr double delivery_tau = 2;
constexpr double arrival_tau = 10;
constexpr unsigned nominal_weight = 4;  // so that a node four times slower has a whole number

double follow(double value, double rate, double tau) {
  return value + (rate - value) * (1 - std::exp(-Knowledge::sample_period / tau));
}

}  // namespace

NodeId node_id(std::size_t index) {
  return NodeId{0, index + 1};
}

std::size_t index_of(NodeId node) {
  return static_cast<std::size_t>(node.low) - 1;
}

Instant instant(double now) {
  return Instant{} + std::chrono::hours{1} + Duration{static_cast<Duration::rep>(now * 1e9)};
}

Knowledge::Knowledge(Setting const& setting, std::vector<Server> const& servers)
    : sample_age_{setting.sample_age},
      servers_{servers},
      meters_(servers.size()),
      gossiped_(servers.size()),
      answered_(servers.size()),
      tallies_(servers.size()),
      wanted_(servers.size()),
      probes_(servers.size()) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    tables_.emplace_back(node_id(i), Epoch{1}, instant(0));
    cluster::MemberView member;
    member.alive.id = node_id(i);
    member.alive.weight = servers[i].capacity() < node_streams ? 1 : nominal_weight;
    member.alive.peer.port = static_cast<std::uint16_t>(i);
    view_.members.push_back(member);
  }
}

void Knowledge::sample(double now) {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server const& server = servers_[i];
    Meter& meter = meters_[i];
    double const delivered = server.delivered(now);
    double const rate = (delivered - meter.delivered) / sample_period;
    meter.delivery_rate = follow(meter.delivery_rate, rate, delivery_tau);
    meter.arrival_rate = follow(meter.arrival_rate, meter.arrivals / sample_period, arrival_tau);
    meter.delivered = delivered;
    meter.arrivals = 0;
    cluster::LoadSampled sampled;
    sampled.in_flight = static_cast<std::uint32_t>(server.streams());
    sampled.bytes_per_second = static_cast<float>(meter.delivery_rate * bytes_per_stream_second);
    sampled.bytes_per_second_now = static_cast<float>(rate * bytes_per_stream_second);
    sampled.arrival_rate = static_cast<float>(meter.arrival_rate);
    sampled.saturated = server.is_saturated();
    tables_[i].measure(sampled, 0, instant(now));
    std::deque<Sample>& samples = gossiped_[i];
    samples.push_back({tables_[i].own(instant(now)), now});
    while (samples.size() > 1 && samples[1].measured <= now - sample_age_) samples.pop_front();
  }
}

Knowledge::Sample const* Knowledge::known(std::size_t observer, std::size_t node,
                                          double now) const {
  std::deque<Sample> const& gossiped = gossiped_[node];
  Sample const* best = gossiped.empty() ? nullptr : &gossiped.front();
  auto const answer = answered_[observer].find(node);
  if (answer != answered_[observer].end() && answer->second.measured + probe_delay <= now &&
      (best == nullptr || answer->second.measured > best->measured)) {
    best = &answer->second;
  }
  return best;
}

cluster::ClusterView const& Knowledge::view(std::size_t observer, std::span<NodeId const> holders,
                                            double now) {
  view_.self = node_id(observer);
  view_.at = instant(now);
  for (NodeId const holder : holders) {
    std::size_t const node = index_of(holder);
    cluster::MemberView& member = view_.members[node];
    member.self = node == observer;
    if (member.self) {
      member.load = tables_[node].own(instant(now));
      member.load->in_flight = static_cast<std::uint32_t>(servers_[node].streams());
      member.load->age_ms = 0;
      member.full_at = tables_[node].full_at();
      member.sampled = instant(now);
    } else if (Sample const* const sample = known(observer, node, now)) {
      member.load = sample->record;
      member.sampled = instant(sample->measured);
    }
  }
  return view_;
}

std::vector<cluster::Candidate> Knowledge::candidates(std::size_t observer,
                                                      std::span<NodeId const> holders, double now) {
  return cluster::candidates(view(observer, holders, now), holders, instant(now),
                             tallies_[observer]);
}

void Knowledge::redirected(std::size_t observer, std::size_t target, double now) {
  tallies_[observer].note(node_id(target), instant(now));
}

std::size_t Knowledge::probe(std::size_t observer, std::span<NodeId const> holders, double now) {
  cluster::ClusterView const& seen = view(observer, holders, now);
  std::vector<NodeId> const wanted = wanted_[observer].take(seen, holders, instant(now));
  cluster::Effects effects;
  probes_[observer].want(wanted, seen.members, instant(now), effects);
  for (cluster::Effect const& effect : effects) {
    std::size_t const node = std::get<cluster::Send>(effect).to.port;
    answered_[observer][node] = {tables_[node].own(instant(now)), now};
  }
  return effects.size();
}

}  // namespace chisme::simulation::balance
