#include "tests/fuzz/trio.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/load/balancer.hpp"
#include "cluster/load/redirect_tally.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::fuzz {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr Duration latency = 1ms;
constexpr Duration sampling = 500ms;
constexpr std::size_t in_flight_max = 20'000;
constexpr unsigned fruitless_max = 100;
constexpr std::uint16_t first_port = 8701;
constexpr Digest first_object{{7}};
constexpr std::int64_t first_wall_ms = 1'700'000'000'000;

WallTime wall_at(Instant now) {
  return WallTime{std::chrono::milliseconds{first_wall_ms} +
                  std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch())};
}

}  // namespace

Endpoint Trio::endpoint_of(std::size_t place) {
  Endpoint endpoint;
  endpoint.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  endpoint.port = static_cast<std::uint16_t>(first_port + place);
  return endpoint;
}

Trio::Trio() {
  for (std::size_t place = 0; place < size; ++place) start(place);
  run_for(1s);
  for (std::size_t const place : {0u, 1u}) {
    places_[place].objects.insert(first_object);
    give(place, ObjectStored{first_object, ByteCount{3}});
  }
  give(0, WriteRequested{WriteId{1},
                         "a",
                         StoreFile{first_object, ByteCount{3}, "text/plain"},
                         {id_of(0), id_of(1)},
                         {}});
  run_for(1s);
}

void Trio::start(std::size_t place) {
  Place& its = places_[place];
  its.epoch = Epoch{its.epoch.value() + 1};
  its.objects.clear();
  Self self;
  self.id = id_of(place);
  self.epoch = its.epoch;
  self.run_nonce = 100 * its.epoch.value() + place;
  self.peer = endpoint_of(place);
  self.http = self.peer;
  self.http.port = static_cast<std::uint16_t>(self.peer.port - 1000);
  CoreConfig config;
  config.profile = loopback_profile();
  config.repair_delay = 2s;
  config.last_copy_repair_delay = 1s;
  config.seeds = {endpoint_of(0), endpoint_of(1)};
  StoredState stored;
  stored.wall = wall_at(now_);
  its.core = std::make_unique<Core>(config, self, stored, Random{self.run_nonce}, now_);
}

std::size_t Trio::place_at(Endpoint const& endpoint) const {
  for (std::size_t place = 0; place < size; ++place) {
    if (endpoint == endpoint_of(place)) return place;
  }
  return size;
}

std::size_t Trio::alive_at(std::size_t place) const {
  if (!places_[place].core) return 0;
  auto const view = places_[place].core->view(now_);
  return static_cast<std::size_t>(std::ranges::count_if(
      view.members, [](MemberView const& member) { return member.state == MemberState::alive; }));
}

void Trio::choose_holders() const {
  Random random{1};
  for (Place const& place : places_) {
    if (!place.core) continue;
    auto const view = place.core->view(now_);
    std::vector<NodeId> holders;
    for (MemberView const& member : view.members) holders.push_back(member.alive.id);
    auto const found = candidates(view, holders, now_, RedirectTally{});
    for (Candidate const& candidate : found) CHECK(candidate.capacity > 0);
    if (auto const chosen = choose(found, random)) CHECK(find_member(view.members, *chosen));
  }
}

void Trio::deliver(std::size_t place, Channel channel, std::string const& frame) {
  std::size_t const most =
      channel == Channel::datagram ? datagram_bytes_max : stream_message_bytes_max;
  auto envelope = decode(frame, most);
  if (envelope) give(place, Received{channel, std::move(*envelope)});
}

void Trio::later(Duration after, std::size_t place, cluster::Input input) {
  CHECK(network_.size() < in_flight_max);
  network_.emplace(now_ + after, Flight{place, std::move(input)});
}

void Trio::give(std::size_t place, cluster::Input input) {
  if (!places_[place].core) return;
  Effects effects;
  places_[place].core->handle(std::move(input), now_, effects);
  check(place);
  carry_out(place, effects);
}

void Trio::ring(std::size_t place) {
  Effects effects;
  places_[place].core->tick(now_, effects);
  check(place);
  carry_out(place, effects);
  if (!places_[place].core) return;
  auto const next = places_[place].core->deadline();
  bool const moves = !next || *next > now_;
  places_[place].fruitless = moves ? 0 : places_[place].fruitless + 1;
  CHECK(places_[place].fruitless < fruitless_max);
}

void Trio::sample(std::size_t place) {
  LoadSampled sampled;
  sampled.wall = wall_at(now_);
  sampled.in_flight = static_cast<std::uint32_t>(place);
  give(place, sampled);
}

// Whatever is due first: a timer, what arrives, or the samples of load.
void Trio::run_for(Duration time) {
  Instant const until = now_ + time;
  while (true) {
    Instant next = next_sample_;
    if (!network_.empty()) next = std::min(next, network_.begin()->first);
    for (Place const& place : places_) {
      auto const deadline = place.core ? place.core->deadline() : std::nullopt;
      if (deadline) next = std::min(next, *deadline);
    }
    if (next > until) break;
    now_ = std::max(now_, next);
    while (!network_.empty() && network_.begin()->first <= now_) {
      auto const arrived = network_.extract(network_.begin());
      give(arrived.mapped().to, std::move(arrived.mapped().input));
    }
    for (std::size_t place = 0; place < size; ++place) {
      auto const deadline =
          places_[place].core ? places_[place].core->deadline() : std::optional<Instant>{};
      if (deadline && *deadline <= now_) ring(place);
    }
    if (next_sample_ <= now_) {
      next_sample_ = now_ + sampling;
      for (std::size_t place = 0; place < size; ++place) sample(place);
    }
  }
  now_ = until;
}

void Trio::carry_out(std::size_t place, Effects& effects) {
  for (Effect& effect : effects) {
    std::visit(Overloaded{[&](Send& what) { send(place, what); },
                          [&](StartTransfer const& what) { transfer(place, what); },
                          [&](RemoveObject const& what) {
                            places_[place].objects.erase(what.digest);
                            later(latency, place, ObjectRemoved{what.digest});
                          },
                          [&](VerifyObject const& what) {
                            bool const intact = places_[place].objects.contains(what.digest);
                            later(latency, place, ObjectVerified{what.digest, intact});
                          },
                          [&](SaveCatalogue const& what) {
                            later(latency, place, CatalogueSaved{what.save});
                          },
                          [&](Stop const& what) { stop(place, what); }, [](auto const&) {}},
               effect);
  }
}

void Trio::send(std::size_t from, Send& what) {
  Envelope envelope{id_of(from), places_[from].epoch, endpoint_of(from), std::move(what.message)};
  std::string const bytes = encode(envelope);
  bool const is_datagram = what.channel == Channel::datagram;
  CHECK(bytes.size() <= (is_datagram ? datagram_bytes_max : stream_message_bytes_max));
  std::size_t const to = place_at(what.to);
  bool const is_there = to < size && places_[to].core;
  if (!is_there) {
    if (!is_datagram) later(latency, from, PeerUnreachable{what.to});
    return;
  }
  auto read = decode(bytes, stream_message_bytes_max);
  CHECK(read.has_value());
  later(latency, to, Received{what.channel, std::move(*read)});
}

void Trio::transfer(std::size_t place, StartTransfer const& what) {
  bool const found = std::ranges::any_of(what.sources, [&](Source const& source) {
    std::size_t const at = place_at(source.peer);
    return at < size && places_[at].objects.contains(what.digest);
  });
  if (found) {
    places_[place].objects.insert(what.digest);
    later(latency, place, ObjectStored{what.digest, what.size});
  }
  later(2 * latency, place, TransferFinished{what.transfer, found});
}

// Of its run nothing counts any more; nor does what is on its way to it.
void Trio::stop(std::size_t place, Stop const& what) {
  places_[place].core.reset();
  std::erase_if(network_, [&](auto const& each) { return each.second.to == place; });
  if (what.restart) start(place);
}

void Trio::check(std::size_t place) {
  for (TableSize const& table : places_[place].core->sizes()) CHECK(table.size <= table.most);
}

}  // namespace chisme::fuzz
