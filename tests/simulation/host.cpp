#include "tests/simulation/host.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>
#include <utility>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr double clients_served = 8;  // as fast as they want
constexpr unsigned fruitless_ticks_max = 100;
constexpr Duration handling = 100us;      // of one input, by a machine that has been slowed down
constexpr Duration longest_backlog = 2s;  // then its kernel drops datagrams
constexpr Duration start_again = 200ms;   // from a Stop that asks for it

// Of a node with small buffers: some of them are full at times.
constexpr Limits narrow_limits{.writes = 3,
                               .commits = 2,
                               .lookups = 1,
                               .fetches = 2,
                               .reads = 4,
                               .reads_remembered = 8,
                               .promises = 16,
                               .trims = 16,
                               .removals = 1};

template <typename Held>
std::string type_name(Held const& held) {
  char* const name = abi::__cxa_demangle(typeid(held).name(), nullptr, nullptr, nullptr);
  std::string const whole = name != nullptr ? name : "?";
  std::free(name);
  return whole.substr(whole.rfind(':') + 1);
}

std::string kind_of(Message const& message) {
  return std::visit([](auto const& held) { return type_name(held); }, message);
}

}  // namespace

Host::Host(Surroundings& around, unsigned index, Random random)
    : around_(around),
      index_(index),
      random_(random),
      clocks_(std::chrono::seconds{random_.below(1'000'000)}) {
  // Some disks are much slower than others, so that who answers first varies.
  slowest_save_ = random_.chance(0.25) ? 250ms : 8ms;
  std::uint64_t const high = random_();
  disk_.emplace(NodeId{high, random_()});
}

CoreConfig Host::config() const {
  CoreConfig config;
  config.profile = profile_of(around_.scenario);
  config.profile.probe_timeout = scaled(config.profile.probe_timeout, shrunk_);
  config.repair_delay = 2s;
  config.last_copy_repair_delay = 1s;
  config.write_timeout = scaled(5s, shrunk_);
  config.surplus_kept = 3s;
  config.copy_promise = 6s;
  config.unreferenced_kept = 20s;
  config.tombstones_kept = 5s;
  config.unreferenced_kept_when_full = 10s;
  config.scrub_period = 5min;
  config.departure_patience = 15s;
  config.versions = versions_;
  if (shrunk_ < 1) {
    config.transfers_in_max = config.transfers_out_max = 1;
    config.limits = narrow_limits;
  }
  config.remembered = disk_->peers();
  for (unsigned const place : {0u, 1u}) {
    if (place == index_ || place >= around_.hosts.size()) continue;
    config.seeds.push_back(around_.network->endpoint_of(place));
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
  self.peer = around_.network->endpoint_of(index_);
  self.http = self.peer;
  self.http.port = static_cast<std::uint16_t>(self.http.port - 1000);
  unsigned const zones = around_.scenario.zones;
  if (zones > 1) self.zone = "zone-" + std::to_string(index_ % zones);
  ahead_ = std::chrono::milliseconds::min();
  CoreConfig const chosen = config();
  seeds_ = chosen.seeds;
  core_ = std::make_unique<Core>(chosen, self, disk_->load(tell_wall()), random_.split(run_),
                                 local_now());
  around_.trace.add(index_);
  if (around_.trace.tells()) {
    around_.say(who() + "starts as " + to_string(id()) + " epoch " +
                std::to_string(epoch_.value()));
  }
  schedule();
  sample_load();
}

void Host::forget_work() {
  ++run_;
  core_.reset();
  rings_at_.reset();
  transfers_.clear();
  saves_.clear();
  fruitless_ticks_ = 0;
  fenced_ = leaving_ = false;
  paused_until_ = busy_until_ = disk_free_at_ = around_.agenda.now();
}

void Host::crash(double lost) {
  CHECK(is_up());
  if (around_.trace.tells()) around_.say(who() + "ends");
  forget_work();
  disk_->lose_power(random_, lost);
  around_.network->forget_streams(index_);
}

void Host::replace_disk() {
  CHECK(!is_up());
  around_.observer->loses_disk(*this);
  std::uint64_t const high = random_();
  disk_.emplace(NodeId{high, random_()});
}

void Host::clone_disk(Host const& other) {
  CHECK(!is_up());
  around_.observer->loses_disk(*this);
  disk_ = other.disk_;
  disk_->lose_power(random_, 1);
  for (auto const& [digest, size] : disk_->objects()) {
    if (!disk_->is_intact(digest)) around_.observer->rots(*this, digest);
  }
}

bool Host::is_paused() const {
  return around_.agenda.now() < paused_until_;
}

void Host::pause(Instant until) {
  paused_until_ = std::max(paused_until_, until);
}

void Host::fence() {
  if (!is_up()) return;
  fenced_ = true;
  if (!planted(PlantedBug::failed_sync_is_ignored)) give(StorageFenced{});
}

void Host::leave() {
  leaving_ = is_up();
  give(LeaveRequested{});
}

bool Host::rot_something(Random& random) {
  auto const& objects = disk_->objects();
  if (objects.empty()) return false;
  auto const victim =
      std::next(objects.begin(), static_cast<std::ptrdiff_t>(random.below(objects.size())));
  disk_->rot(victim->first);
  around_.observer->rots(*this, victim->first);
  return true;
}

void Host::scrub() {
  std::vector<Digest> corrupt;
  for (auto const& [digest, size] : disk_->objects()) {
    bool const looks = !planted(PlantedBug::rotten_copy_is_called_intact);
    if (looks && !disk_->is_intact(digest)) corrupt.push_back(digest);
  }
  for (Digest const& digest : corrupt) quarantine(digest);
}

void Host::quarantine(Digest const& digest) {
  disk_->remove(digest);
  give(ObjectVerified{digest, false});
}

Instant Host::free_at() const {
  return std::max({around_.agenda.now(), paused_until_, busy_until_});
}

Duration Host::disk_time(std::uint64_t microseconds_max) {
  return scaled(200us + random_.below(microseconds_max) * 1us, slowness_);
}

template <typename Step>
void Host::work(Step step) {
  if (slowness_ > 1) busy_until_ = free_at() + scaled(handling, slowness_);
  CHECK(effects_.empty());
  step(effects_);
  around_.observer->worked(*this);
  std::uint64_t const run = run_;
  for (std::size_t i = 0; i < effects_.size() && run == run_; ++i) carry_out(effects_[i]);
  effects_.clear();
  if (run == run_) schedule();
}

void Host::give(Input input) {
  if (!is_up()) return;
  later(0s, [this, input = std::make_unique<Input>(std::move(input))] {
    work([&](Effects& out) { core_->handle(std::move(*input), local_now(), out); });
  });
}

void Host::deliver(Channel channel, std::string bytes) {
  Instant const when = free_at();
  if (when == around_.agenda.now()) return read(channel, bytes);
  bool const overflows = when == busy_until_ && when - around_.agenda.now() > longest_backlog;
  if (overflows && channel == Channel::datagram) return;
  later(when - around_.agenda.now(),
        [this, channel, bytes = std::move(bytes)] { read(channel, bytes); });
}

void Host::read(Channel channel, std::string const& bytes) {
  std::size_t const most =
      channel == Channel::datagram ? datagram_bytes_max : stream_message_bytes_max;
  Result<Envelope> envelope = decode(bytes, most, ClusterTag{}, versions_);
  if (envelope) {
    work([&](Effects& out) {
      core_->handle(Received{channel, std::move(*envelope)}, local_now(), out);
    });
    return;
  }
  bool const is_damaged = channel == Channel::datagram && around_.network->counts().damaged > 0;
  // One that was started again may have been set back to an older version, which others cannot know
  // at once; so may what comes for somebody else. The node itself passes it over.
  bool const is_taken_for_another =
      run_ > 1 || around_.network->is_heir(index_) || around_.cloned.contains(id());
  bool const is_for_another =
      is_taken_for_another && cluster::is_too_new(std::as_bytes(std::span{bytes}), versions_);
  if (is_damaged || is_for_another) return;
  around_.violated(who() + "undecodable message: " + envelope.error().message);
}

void Host::schedule() {
  std::optional<Instant> const deadline = core_->deadline();
  if (!deadline) return;
  Duration const left = std::max(*deadline - local_now(), Duration{});
  Instant const when = around_.agenda.now() + clocks_.until_local(left);
  if (rings_at_ && *rings_at_ <= when) return;  // that ring looks again
  rings_at_ = when;
  later(when - around_.agenda.now(), [this, when] {
    if (rings_at_ == when) ring();
  });
}

void Host::ring() {
  rings_at_.reset();
  std::optional<Instant> const deadline = core_->deadline();
  if (deadline && *deadline <= local_now()) return tick();
  schedule();
}

void Host::tick() {
  work([&](Effects& out) { core_->tick(local_now(), out); });
  if (!is_up()) return;
  std::optional<Instant> const deadline = core_->deadline();
  if (!deadline || *deadline > local_now()) {
    fruitless_ticks_ = 0;
  } else if (++fruitless_ticks_ > fruitless_ticks_max) {
    around_.violated(who() + "the deadline does not move");
    crash();
  }
}

WallTime Host::tell_wall() {
  auto const local = std::chrono::floor<std::chrono::milliseconds>(local_now().time_since_epoch());
  ahead_ = std::max(ahead_, wall().time_since_epoch() - local);
  ahead_ever_ = std::max(ahead_ever_, ahead_);
  return wall();
}

void Host::sample_load() {
  LoadSampled sampled;
  sampled.wall = tell_wall();
  sampled.in_flight = static_cast<std::uint32_t>(random_.below(10));
  // Each client takes a megabyte a second; beyond what the machine can give, they wait for it.
  double const served = std::min<double>(sampled.in_flight, clients_served / slowness_);
  sampled.saturated = served < sampled.in_flight;
  sampled.bytes_per_second_now = sampled.bytes_per_second = static_cast<float>(served * 1e6);
  sampled.arrival_rate = static_cast<float>(random_.uniform() * 10);
  sampled.disk_used_ratio = disk_full_ ? 1.0f : 0.1f;
  work([&](Effects& out) { core_->handle(sampled, local_now(), out); });
  if (is_up()) later(500ms, [this] { sample_load(); });
}

void Host::carry_out(Effect& effect) {
  std::visit(Overloaded{
                 [&](Send& what) { send(what); },
                 [&](StartTransfer& what) { start_transfer(std::move(what)); },
                 [&](CancelTransfer const& what) { transfers_.erase(what.transfer); },
                 [&](RemoveObject const& what) {
                   around_.observer->removes(*this, what.digest);
                   in_turn([this, digest = what.digest] {
                     disk_->remove(digest);
                     around_.observer->removed(*this, digest);
                     give(ObjectRemoved{digest});
                   });
                 },
                 [&](VerifyObject const& what) { verify(what.digest); },
                 [&](SaveCatalogue& what) { save(std::move(what)); },
                 [&](WriteFinished const& what) { around_.write_finished(what); },
                 [&](LookupFinished const& what) { around_.lookup_finished(what); },
                 [&](Announce const& what) { around_.observer->announces(*this, what.event); },
                 [&](SavePeers& what) { disk_->save_peers(std::move(what.peers)); },
                 [&](SaveAccess& what) { save_access(std::move(what)); },
                 [&](RevokeFinished const&) {},
                 [&](Stop const& what) { stop(what); },
             },
             effect);
}

void Host::stop(Stop const& effect) {
  bool const is_clone = around_.cloned.contains(id());
  if (effect.failed && !is_clone) around_.violated(who() + "stopped: " + effect.reason);
  if (!effect.restart) return crash(effect.failed ? 1 : 0);
  // Its successor finds all that it had written, synced or not.
  crash(0);
  around_.agenda.after(start_again, [this, run = run_] {
    if (!is_up() && run == run_) start();
  });
}

void Host::send(Send& effect) {
  Envelope envelope{id(), epoch_, around_.network->endpoint_of(index_), std::move(effect.message)};
  std::string bytes = encode(envelope, ClusterTag{});
  effect.message = std::move(envelope.message);
  bool const is_datagram = effect.channel == Channel::datagram;
  if (bytes.size() > (is_datagram ? datagram_bytes_max : stream_message_bytes_max)) {
    around_.violated(Invariant::within_bounds, who() + "a " + kind_of(effect.message) + " has " +
                                                   std::to_string(bytes.size()) + " bytes");
    return;
  }
  around_.trace.add(static_cast<std::uint64_t>(around_.agenda.now().time_since_epoch().count()));
  around_.trace.add(bytes);
  if (around_.trace.tells()) {
    around_.say(who() + kind_of(effect.message) + (is_datagram ? " to " : " by stream to ") +
                to_string(effect.to) + ", " + std::to_string(bytes.size()) + " B");
  }
  around_.observer->sends(*this, effect, bytes);
  around_.network->send(index_, effect.to, effect.channel, std::move(bytes));
}

template <typename Callable>
void Host::in_turn(Callable action) {
  disk_free_at_ = std::max(disk_free_at_, around_.agenda.now()) + disk_time(5'000);
  later(disk_free_at_ - around_.agenda.now(), std::move(action));
}

void Host::verify(Digest const& digest) {
  in_turn([this, digest] {
    bool const looks = !planted(PlantedBug::rotten_copy_is_called_intact);
    if (looks && disk_->holds(digest) && !disk_->is_intact(digest)) return quarantine(digest);
    if (disk_->is_intact(digest)) around_.observer->verified(*this, digest);
    give(ObjectVerified{digest, disk_->holds(digest)});
  });
}

// One writer commits in groups: what comes while the disk syncs is synced together, next.
void Host::save(SaveCatalogue effect) {
  disk_->append(effect);
  saves_.push_back(effect.save);
  if (planted(PlantedBug::save_is_answered_before_the_sync)) give(CatalogueSaved{effect.save});
  if (saves_.size() == 1) sync_saves();
}

void Host::sync_saves() {
  Duration const taken = disk_time(static_cast<std::uint64_t>(slowest_save_ / 1us));
  later(taken, [this, count = saves_.size()] {
    if (fenced_ && !planted(PlantedBug::failed_sync_is_ignored)) return;
    if (!fenced_) disk_->sync_journal(count);
    for (std::size_t i = 0; i < count; ++i) {
      give(CatalogueSaved{saves_.front()});
      saves_.pop_front();
    }
    if (!saves_.empty()) sync_saves();
  });
}

void Host::save_access(SaveAccess effect) {
  Duration const taken = disk_time(static_cast<std::uint64_t>(slowest_save_ / 1us));
  later(taken, [this, save = std::make_unique<SaveAccess>(std::move(effect))] {
    if (fenced_) return;
    disk_->save_access(std::move(save->all));
    give(AccessSaved{save->save});
  });
}

}  // namespace chisme::simulation
