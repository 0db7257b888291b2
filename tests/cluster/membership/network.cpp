#include "tests/cluster/membership/network.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster::testing {

using namespace std::chrono_literals;

Network::Network(std::uint64_t seed, Profile const& profile) : profile_(profile), random_(seed) {}

Endpoint Network::endpoint_of(std::size_t node) {
  Endpoint endpoint = *parse_endpoint("127.0.0.1:1");
  endpoint.port = static_cast<std::uint16_t>(first_port + node);
  return endpoint;
}

std::size_t Network::add() {
  return add({endpoint_of(0)});
}

std::size_t Network::add(std::vector<Endpoint> const& seeds, ProtocolVersions versions) {
  std::size_t const node = nodes_.size();
  nodes_.push_back(Node{.self = Self{.id = id_of(node),
                                     .epoch = Epoch{1},
                                     .run_nonce = random_(),
                                     .peer = endpoint_of(node),
                                     .http = endpoint_of(node),
                                     .zone = {}},
                        .versions = versions,
                        .swim = {},
                        .saved = {},
                        .paused = false,
                        .ticks = {},
                        .loads = {}});
  start(node, seeds);
  return node;
}

void Network::grow(std::size_t count) {
  while (nodes_.size() < count) add();
  auto const took = run_until([&] { return all_see_all_alive(); }, 30s);
  CHECK(took.has_value());
  run(1s);
}

void Network::start(std::size_t node, std::vector<Endpoint> const& seeds,
                    std::vector<KnownPeer> const& remembered) {
  Node& n = nodes_[node];
  n.swim = std::make_unique<Swim>(profile_, n.self, seeds, random_.split(node), now_, n.versions,
                                  remembered);
  reschedule(node);
}

void Network::crash(std::size_t node) {
  nodes_[node].swim.reset();
  if (auto& ticks = nodes_[node].ticks) ticks_.erase({*ticks, node});
  nodes_[node].ticks.reset();
}

void Network::restart(std::size_t node) {
  Node& n = nodes_[node];
  n.self.epoch = Epoch{n.self.epoch.value() + 1};
  n.self.run_nonce = random_();
  stopped.erase(node);
  start(node, {}, n.saved);
}

void Network::replace(std::size_t node) {
  Node& n = nodes_[node];
  n.self.id.high += 1;
  n.self.epoch = Epoch{1};
  n.self.run_nonce = random_();
  start(node, {endpoint_of(0)});
}

std::size_t Network::clone(std::size_t node) {
  std::size_t const copy = nodes_.size();
  Node original{.self = nodes_[node].self,
                .versions = nodes_[node].versions,
                .swim = {},
                .saved = nodes_[node].saved,
                .paused = false,
                .ticks = {},
                .loads = {}};
  original.self.peer = original.self.http = endpoint_of(copy);
  original.self.run_nonce = random_();
  nodes_.push_back(std::move(original));
  start(copy, {}, nodes_[copy].saved);
  return copy;
}

void Network::resume(std::size_t node) {
  nodes_[node].paused = false;
  nodes_[node].ticks.reset();
  reschedule(node);
}

void Network::cut(std::size_t from, std::size_t to, bool datagrams_only) {
  cut_[{from, to}] = datagrams_only;
}

bool Network::passes(std::size_t from, std::size_t to, Channel channel) const {
  auto const found = cut_.find({from, to});
  return found == cut_.end() || (found->second && channel == Channel::stream);
}

void Network::transmit(std::size_t from, Send& send) {
  Node const& sender = nodes_[from];
  Envelope const envelope{sender.self.id, sender.self.epoch, sender.self.peer,
                          std::move(send.message)};
  Message const& message = envelope.message;
  std::string bytes = encode(envelope);
  std::size_t const to = index_of(send.to);
  bool const datagram = send.channel == Channel::datagram;
  if (on_send) on_send(from, message);
  traffic += shares_of(message, bytes.size());
  if (datagram) {
    longest_datagram = std::max(longest_datagram, bytes.size());
    ++datagrams;
    datagram_bytes += bytes.size();
    if (random_.chance(loss_)) return;
  }
  Instant const when = now_ + 500us + std::chrono::microseconds{random_.below(1500)};
  // A stream needs both directions.
  bool const there = to < nodes_.size() && nodes_[to].swim && passes(from, to, send.channel) &&
                     (datagram || passes(to, from, send.channel));
  if (there) {
    in_flight_.emplace(when, Delivery{from, to, send.channel, std::move(bytes), {}});
  } else if (!datagram) {
    in_flight_.emplace(when, Delivery{from, from, send.channel, {}, send.to});
  }
}

void Network::carry_out(std::size_t node, Effects& effects) {
  for (Effect& effect : effects) {
    if (auto* send = std::get_if<Send>(&effect)) transmit(node, *send);
    if (auto* save = std::get_if<SavePeers>(&effect)) nodes_[node].saved = save->peers;
    if (auto* announce = std::get_if<Announce>(&effect)) {
      if (auto const* change = std::get_if<MemberChanged>(&announce->event)) {
        announced.emplace_back(node, *change);
      } else {
        refused.emplace_back(node, std::get<PeerRefused>(announce->event));
      }
    }
    if (auto* stop = std::get_if<Stop>(&effect)) {
      stopped.emplace(node, *stop);
      crash(node);
      return;
    }
  }
}

Effects Network::deliver(std::size_t to, Envelope const& envelope, Channel channel) {
  Effects effects;
  at(to).handle(envelope, channel, now_, effects, carried[to]);
  if (load_period_ > Duration{}) pass_on_loads(to);
  Effects copy = effects;
  carry_out(to, effects);
  reschedule(to);
  return copy;
}

void Network::act(std::size_t node, std::function<void(Swim&, Effects&)> const& action) {
  Effects effects;
  action(at(node), effects);
  carry_out(node, effects);
  reschedule(node);
}

void Network::arrive(Delivery const& delivery) {
  if (!nodes_[delivery.to].swim) return;
  if (delivery.bytes.empty()) {
    act(delivery.to, [&](Swim& s, Effects& e) { s.unreachable(delivery.endpoint, now_, e); });
    return;
  }
  std::size_t const bound =
      delivery.channel == Channel::datagram ? datagram_bytes_max : stream_message_bytes_max;
  ProtocolVersions const spoken = nodes_[delivery.to].versions;
  auto const envelope = decode(delivery.bytes, bound, {}, spoken);
  if (!envelope && is_too_new(std::as_bytes(std::span{delivery.bytes}), spoken)) return;
  CHECK(envelope.has_value());
  deliver(delivery.to, *envelope, delivery.channel);
}

// Does the next thing, if it comes before `until`.
bool Network::step(Instant until) {
  // What arrives at a paused node waits for it.
  auto next = in_flight_.begin();
  while (next != in_flight_.end() && nodes_[next->second.to].paused) ++next;
  auto ticking = ticks_.begin();
  while (ticking != ticks_.end() && !is_up(ticking->second)) ticking = ticks_.erase(ticking);
  if (!measures_.empty() &&
      measure_load(std::min(until, ticking == ticks_.end() ? until : ticking->first)))
    return true;
  Instant const tick = ticking == ticks_.end() ? until : std::max(ticking->first, now_);
  if (next != in_flight_.end() && next->first <= std::min(tick, until)) {
    now_ = std::max(now_, next->first);
    Delivery const delivery = std::move(next->second);
    in_flight_.erase(next);
    arrive(delivery);
    return true;
  }
  if (tick >= until) return false;
  now_ = tick;
  std::size_t const node = ticking->second;
  ticks_.erase(ticking);
  nodes_[node].ticks.reset();
  act(node, [&](Swim& swim, Effects& effects) { swim.tick(now_, effects); });
  return true;
}

void Network::tell_loads(Duration period) {
  load_period_ = period;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    auto const first = random_.below(static_cast<std::uint64_t>(period.count()));
    measures_.emplace(now_ + Duration{static_cast<Duration::rep>(first)}, node);
  }
}

// The next measurement, if it is due before anything else.
bool Network::measure_load(Instant before) {
  auto const [when, node] = *measures_.begin();
  bool const later = !in_flight_.empty() && in_flight_.begin()->first < when;
  if (when >= before || later) return false;
  now_ = std::max(now_, when);
  measures_.erase(measures_.begin());
  measures_.emplace(when + load_period_, node);
  if (!is_up(node)) return true;
  LoadRecord load;
  load.id = nodes_[node].self.id;
  load.epoch = nodes_[node].self.epoch;
  load.sequence = ++nodes_[node].loads[load.id];
  at(node).set_load(load);
  at(node).tell(load, now_);
  reschedule(node);
  return true;
}

void Network::pass_on_loads(std::size_t node) {
  for (Record const& record : carried[node]) {
    auto const* load = std::get_if<LoadRecord>(&record);
    if (load == nullptr || load->id == nodes_[node].self.id) continue;
    std::uint64_t& newest = nodes_[node].loads[load->id];
    if (load->sequence <= newest) continue;
    newest = load->sequence;
    at(node).tell(*load, now_);
  }
  carried[node].clear();
}

void Network::reschedule(std::size_t node) {
  Node& n = nodes_[node];
  if (!is_up(node)) return;
  Instant const deadline = n.swim->deadline();
  if (n.ticks == deadline) return;
  if (n.ticks) ticks_.erase({*n.ticks, node});
  n.ticks = deadline;
  ticks_.emplace(deadline, node);
}

std::size_t Network::index_of(Endpoint const& endpoint) const {
  std::size_t const index = std::size_t{endpoint.port} - first_port;
  return endpoint.port >= first_port && endpoint_of(index) == endpoint ? index : nodes_.size();
}

void Network::run(Duration duration) {
  Instant const until = now_ + duration;
  while (step(until)) {
  }
  now_ = until;
}

std::optional<Duration> Network::run_until(std::function<bool()> const& condition, Duration limit) {
  Instant const begin = now_;
  while (!condition()) {
    if (!step(begin + limit)) return std::nullopt;
  }
  return now_ - begin;
}

std::optional<MemberState> Network::seen(std::size_t observer, std::size_t node) const {
  auto const& members = nodes_[observer].swim->members();
  auto const found = members.find(nodes_[node].self.id);
  return found == members.end() ? std::nullopt : std::optional{found->second.state};
}

bool Network::all_see(std::size_t node, MemberState state) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (i != node && is_up(i) && seen(i, node) != state) return false;
  }
  return true;
}

bool Network::all_see_all_alive() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (is_up(i) && !all_see(i, MemberState::alive)) return false;
  }
  return true;
}

std::size_t Network::deaths() const {
  return static_cast<std::size_t>(
      std::count_if(announced.begin(), announced.end(),
                    [](auto const& entry) { return entry.second.state == MemberState::dead; }));
}

std::size_t Network::size_of(std::size_t node, std::string_view table) const {
  TableSizes sizes;
  nodes_[node].swim->add_sizes(sizes);
  auto const found = std::ranges::find(sizes, table, &TableSize::name);
  CHECK(found != sizes.end());
  return found->size;
}

}  // namespace chisme::cluster::testing
