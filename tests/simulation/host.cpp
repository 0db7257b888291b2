#include "tests/simulation/host.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t world_begins_at = 1'750'000'000'000;  // wall clock, milliseconds
constexpr std::uint64_t bytes_per_second = 50'000'000;
constexpr unsigned fruitless_ticks_max = 100;

// "node 3: "
std::string who(unsigned index) {
  return "node " + std::to_string(index) + ": ";
}

}  // namespace

void Surroundings::violated(Invariant invariant, std::string what) {
  constexpr std::size_t kept = 20;
  if (violations.size() >= kept) return;
  violations.push_back({invariant, agenda.now(), std::move(what)});
}

Host::Host(Surroundings& around, unsigned index, Random random)
    : around_(around), index_(index), random_(random) {
  // Monotonic clocks of two machines have nothing in common.
  clock_offset_ = std::chrono::seconds{random_.below(1'000'000)};
  if (around_.scenario.skewed_clocks) {
    wall_skew_ = std::chrono::milliseconds{random_.below(20'000)};
  }
  // Some disks are much slower than others, so that who answers first varies.
  slowest_save_ = random_.chance(0.25) ? 250ms : 8ms;
  disk_.emplace(NodeId{random_(), random_()});
}

CoreConfig Host::config() const {
  CoreConfig config;
  config.profile = loopback_profile();
  config.repair_delay = 2s;
  config.last_copy_repair_delay = 1s;
  config.write_timeout = 5s;
  config.seeds = disk_->peers();
  for (unsigned const place : {0u, 1u}) {
    if (place != index_) config.seeds.push_back(Network::endpoint_of(place));
  }
  return config;
}

void Host::start() {
  CHECK(!is_up());
  ++run_;
  epoch_ = disk_->next_epoch();
  Self self;
  self.id = id();
  self.epoch = epoch_;
  self.run_nonce = random_();
  self.peer = Network::endpoint_of(index_);
  self.http = self.peer;
  self.http.port = static_cast<std::uint16_t>(self.http.port - 1000);
  core_ =
      std::make_unique<Core>(config(), self, disk_->load(wall()), random_.split(run_), local_now());
  around_.trace.add(index_);
  schedule();
  sample_load();
}

void Host::crash() {
  CHECK(is_up());
  around_.observer->ends(*this);
  ++run_;
  core_.reset();
  scheduled_.reset();
  transfers_.clear();
  // Saves reach the disk in order: some of those that were never acknowledged may be there.
  std::uint64_t const survive = random_.below(saves_.size() + 1);
  for (std::uint64_t i = 0; i < survive; ++i) {
    disk_->save(saves_[i].what.records, saves_[i].what.positions);
  }
  saves_.clear();
  around_.network->forget_streams(index_);
}

void Host::replace_disk() {
  CHECK(!is_up());
  disk_.emplace(NodeId{random_(), random_()});
}

WallTime Host::wall() const {
  auto const elapsed = around_.agenda.now() - Instant{} + wall_skew_;
  return WallTime{std::chrono::milliseconds{world_begins_at} +
                  std::chrono::duration_cast<std::chrono::milliseconds>(elapsed)};
}

Host* Host::host_of(NodeId id) const {
  auto const found = std::find_if(around_.hosts.begin(), around_.hosts.end(),
                                  [id](auto const& host) { return host->id() == id; });
  return found == around_.hosts.end() ? nullptr : found->get();
}

void Host::later(Duration delay, std::function<void()> action) {
  Instant const when = std::max(around_.agenda.now() + delay, paused_until_);
  around_.agenda.at(when, [this, run = run_, action = std::move(action)]() mutable {
    if (run != run_) return;
    if (around_.agenda.now() < paused_until_) {
      later(0s, std::move(action));
    } else {
      action();
    }
  });
}

void Host::work(std::function<void(Effects&)> const& step) {
  Effects effects;
  step(effects);
  std::uint64_t const run = run_;
  for (Effect& effect : effects) {
    carry_out(effect);
    if (run != run_) return;  // it stopped
  }
  schedule();
}

void Host::give(Input input) {
  if (!is_up()) return;
  later(0s, [this, input = std::move(input)] {
    work([&](Effects& out) { core_->handle(input, local_now(), out); });
  });
}

void Host::store(ObjectStored const& object) {
  if (!is_up()) return;
  later(std::chrono::microseconds{500 + random_.below(5'000)}, [this, object] {
    disk_->store(object);
    give(object);
  });
}

void Host::schedule() {
  std::optional<Instant> const deadline = core_->deadline();
  if (!deadline || deadline == scheduled_) return;
  scheduled_ = deadline;
  later(*deadline - local_now(), [this, moment = *deadline] {
    if (scheduled_ == moment) tick();
  });
}

void Host::tick() {
  scheduled_.reset();
  work([&](Effects& out) { core_->tick(local_now(), out); });
  if (!is_up() || !scheduled_ || *scheduled_ > local_now()) {
    fruitless_ticks_ = 0;
  } else if (++fruitless_ticks_ > fruitless_ticks_max) {
    around_.violated(who(index_) + "the deadline does not move");
    crash();
  }
}

void Host::sample_load() {
  LoadSampled sampled;
  sampled.wall = wall();
  sampled.in_flight = static_cast<std::uint32_t>(random_.below(10));
  sampled.arrival_rate = static_cast<float>(random_.uniform() * 10);
  give(sampled);
  later(500ms, [this] { sample_load(); });
}

void Host::receive(Channel channel, std::string const& bytes) {
  later(0s, [this, channel, bytes] {
    std::size_t const most =
        channel == Channel::datagram ? datagram_bytes_max : stream_message_bytes_max;
    Result<Envelope> envelope = decode(bytes, most);
    if (envelope) {
      give(Received{channel, std::move(*envelope)});
    } else if (around_.scenario.corruption == 0 || channel == Channel::stream) {
      around_.violated(who(index_) + "undecodable message: " + envelope.error().message);
    }
  });
}

void Host::carry_out(Effect& effect) {
  std::visit(Overloaded{
                 [&](Send const& what) { send(what); },
                 [&](StartTransfer const& what) { start_transfer(what); },
                 [&](CancelTransfer const& what) { transfers_.erase(what.transfer); },
                 [&](RemoveObject const& what) {
                   around_.observer->removes(*this, what.digest);
                   later(5ms, [this, digest = what.digest] {
                     disk_->remove(digest);
                     give(ObjectRemoved{digest});
                   });
                 },
                 [&](VerifyObject const& what) {
                   later(5ms, [this, digest = what.digest] {
                     give(ObjectVerified{digest, disk_->holds(digest)});
                   });
                 },
                 [&](SaveCatalogue& what) { save(std::move(what)); },
                 [&](WriteFinished const& what) { around_.write_finished(what); },
                 [&](LookupFinished const& what) { around_.lookup_finished(what); },
                 [&](Announce const&) {},
                 [&](SavePeers& what) { disk_->save_peers(std::move(what.peers)); },
                 [&](Stop const& what) {
                   if (what.failed) around_.violated(who(index_) + "stopped: " + what.reason);
                   crash();
                 },
             },
             effect);
}

void Host::send(Send const& effect) {
  std::string bytes =
      encode(Envelope{id(), epoch_, Network::endpoint_of(index_), effect.message}, ClusterTag{});
  bool const is_datagram = effect.channel == Channel::datagram;
  if (bytes.size() > (is_datagram ? datagram_bytes_max : stream_message_bytes_max)) {
    around_.violated(who(index_) + "a message of kind " + std::to_string(effect.message.index()) +
                     " has " + std::to_string(bytes.size()) + " bytes");
    return;
  }
  around_.trace.add(static_cast<std::uint64_t>(around_.agenda.now().time_since_epoch().count()));
  around_.trace.add(bytes);
  around_.observer->sends(*this, effect, bytes);
  around_.network->send(index_, effect.to, effect.channel, std::move(bytes));
}

void Host::save(SaveCatalogue effect) {
  Instant const begins = saves_.empty() ? around_.agenda.now() : saves_.back().synced_at;
  Instant const synced_at =
      begins + 200us + random_.below(static_cast<std::uint64_t>(slowest_save_ / 1us)) * 1us;
  saves_.push_back({std::move(effect), synced_at});
  later(synced_at - around_.agenda.now(), [this] { finish_save(); });
}

void Host::finish_save() {
  Save const done = std::move(saves_.front());
  saves_.pop_front();
  disk_->save(done.what.records, done.what.positions);
  give(CatalogueSaved{done.what.save});
}

void Host::start_transfer(StartTransfer const& effect) {
  if (!transfers_.insert(effect.transfer).second) {
    around_.violated(who(index_) + "a transfer was started twice");
  }
  try_source(effect, 0);
}

void Host::try_source(StartTransfer const& transfer, std::size_t source) {
  if (source >= transfer.sources.size()) {
    later(1ms, [this, transfer] {
      if (transfers_.erase(transfer.transfer) > 0) {
        give(TransferFinished{transfer.transfer, false});
      }
    });
    return;
  }
  Duration const round_trip = around_.network->delay() + around_.network->delay();
  Host* const from = host_of(transfer.sources[source].node);
  bool const has_it = from != nullptr && from->is_up() && from->disk().holds(transfer.digest) &&
                      around_.network->connects(index_, from->index_);
  if (!has_it) {
    later(round_trip, [this, transfer, source] { try_source(transfer, source + 1); });
    return;
  }
  Duration const copying =
      std::chrono::microseconds{transfer.size.value() * 1'000'000 / bytes_per_second};
  later(round_trip + copying, [this, transfer, source, from, run = from->run()] {
    finish_transfer(transfer, *from, run, source);
  });
}

void Host::finish_transfer(StartTransfer const& transfer, Host& source, std::uint64_t source_run,
                           std::size_t index) {
  if (!transfers_.contains(transfer.transfer)) return;
  if (source.run() != source_run || !around_.network->connects(index_, source.index_)) {
    try_source(transfer, index + 1);
    return;
  }
  transfers_.erase(transfer.transfer);
  disk_->store({transfer.digest, transfer.size});
  around_.observer->fetched(*this, source, transfer.digest);
  give(ObjectStored{transfer.digest, transfer.size});
  give(TransferFinished{transfer.transfer, true});
}

}  // namespace chisme::simulation
