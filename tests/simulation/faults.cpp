#include "tests/simulation/faults.hpp"

#include <algorithm>
#include <iterator>

#include "cluster/membership/swim.hpp"
#include "tests/simulation/acquaintances.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr double million = 1e6;

bool is_standing(FaultEvent const& event) {
  return (event.kind == FaultKind::old_version && event.number == 1) ||
         event.kind == FaultKind::small;
}

Duration seconds(double amount) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(amount * 1000)};
}

bool has_to_start(Host const& host) {
  return !host.is_up() || host.is_fenced() || host.is_leaving();
}

// The addresses of others that it can call, or will once it is started.
std::vector<Endpoint> known_to(Host const& host) {
  std::vector<Endpoint> known = has_to_start(host) ? host.config().seeds : host.seeds();
  for (KnownPeer const& peer : host.disk().peers()) known.push_back(peer.at);
  if (has_to_start(host)) return known;
  for (MemberView const& member : host.view().members) {
    if (member.state != MemberState::left) known.push_back(member.alive.peer);
  }
  return known;
}

}  // namespace

void Faults::prepare() {
  for (FaultEvent const& event : schedule_.events) {
    if (!is_standing(event)) continue;
    counts_[static_cast<std::size_t>(event.kind)] += event.victims.size();
    for (unsigned const victim : event.victims) {
      Host& host = *around_.hosts[victim];
      if (event.kind == FaultKind::old_version) host.speak(event.speaks);
      if (event.kind == FaultKind::small) host.shrink(event.amount);
    }
  }
}

bool Faults::comes_late(unsigned place) const {
  return std::ranges::any_of(schedule_.events, [&](FaultEvent const& event) {
    return event.kind == FaultKind::late_join && event.victims.front() == place;
  });
}

void Faults::begin(Instant end) {
  end_ = end;
  for (FaultEvent const& event : schedule_.events) {
    if (is_standing(event)) continue;
    around_.agenda.after(event.from, [this, &event] {
      if (around_.agenda.now() < end_) apply(event);
    });
  }
}

Instant Faults::end_of(FaultEvent const& event) const {
  return std::min(end_, around_.agenda.now() + event.lasts);
}

void Faults::apply(FaultEvent const& event) {
  ++counts_[static_cast<std::size_t>(event.kind)];
  if (around_.trace.tells()) around_.say("fault: " + describe(event));
  switch (event.kind) {
    case FaultKind::loss:
    case FaultKind::duplication:
    case FaultKind::delay:
    case FaultKind::corruption:
      return change_weather(event);
    case FaultKind::partition:
      return cut(event);
    case FaultKind::clog:
      return clog(event);
    case FaultKind::mass_restart:
      return crash_all(event);
    case FaultKind::strike:
      return strikes_.push_back(&event);
    case FaultKind::cloned_disk:
      return clone(event);
    case FaultKind::swapped_address:
      return swap_addresses(event);
    default:
      for (unsigned const victim : event.victims) apply_to(event, *around_.hosts[victim]);
  }
}

void Faults::change_weather(FaultEvent const& event) {
  Weather& weather = around_.network->weather();
  if (event.kind == FaultKind::loss) weather.loss = event.amount;
  if (event.kind == FaultKind::duplication) weather.duplication = event.amount;
  if (event.kind == FaultKind::corruption) weather.corruption = event.amount;
  if (event.kind == FaultKind::delay) {
    weather.delay = std::chrono::microseconds{static_cast<std::int64_t>(event.amount * million)};
  }
}

void Faults::cut(FaultEvent const& event) {
  Network::Cut cut;
  bool const deaf = event.cutting == Cutting::deaf;
  cut.sides.assign(around_.hosts.size(), deaf ? 1 : 0);
  for (unsigned const victim : event.victims) cut.sides[victim] = deaf ? 0 : 1;
  cut.one_way = event.cutting != Cutting::both_ways;
  cut.only = event.only;
  std::uint64_t const number = around_.network->cut(std::move(cut));
  around_.agenda.at(end_of(event), [this, number] { around_.network->mend(number); });
}

void Faults::clog(FaultEvent const& event) {
  Network::Clog clog{event.victims.front(), {}, end_of(event)};
  if (event.victims.size() > 1) clog.peer = event.victims[1];
  around_.network->clog(clog);
}

void Faults::apply_to(FaultEvent const& event, Host& host) {
  Instant const now = around_.agenda.now();
  Random random{event.seed ^ host.index()};
  switch (event.kind) {
    case FaultKind::pause:
      return host.pause(end_of(event));
    case FaultKind::slow:
      host.slow_down(event.amount);
      return around_.agenda.at(end_of(event), [&host] { host.slow_down(1); });
    case FaultKind::crash:
      return take_down(host, event);
    case FaultKind::old_version:
      take_down(host, event);
      return host.speak(event.speaks);
    case FaultKind::lost_disk:
      take_down(host, event);
      return lose_disk(host);
    case FaultKind::leave:
      return leave(event, host);
    case FaultKind::fence:
      host.fence();
      return around_.agenda.at(end_of(event), [&host, lost = event.amount] {
        if (!host.is_fenced()) return;
        host.crash(lost);
        host.start();
      });
    case FaultKind::late_join:
      if (!host.is_up()) host.start();
      return;
    case FaultKind::unhealed:
      stay_down_.insert(host.index());
      return;
    case FaultKind::new_address:
      take_down(host, event);
      return around_.network->move(host.index());
    case FaultKind::skew:
    case FaultKind::jump:
      return host.clocks().jump(seconds(event.amount));
    case FaultKind::drift:
      return host.clocks().drift(
          now, static_cast<std::int64_t>((2 * random.uniform() - 1) * event.amount * million));
    case FaultKind::disk_full:
      host.fill_disk(true);
      return around_.agenda.at(end_of(event), [&host] { host.fill_disk(false); });
    case FaultKind::bit_rot:
      host.rot_something(random);
      return;
    default:
      return;
  }
}

void Faults::up_again(Host& host, Duration after) {
  around_.agenda.after(after, [this, &host, run = host.run()] {
    bool const stays_down = around_.agenda.now() > end_ && stay_down_.contains(host.index());
    if (!host.is_up() && host.run() == run && !stays_down) host.start();
  });
}

void Faults::lose_disk(Host& host) {
  host.replace_disk();
  ++identities_lost_;
}

void Faults::leave(FaultEvent const& event, Host& host) {
  if (host.is_up()) host.leave();
  around_.agenda.at(end_of(event), [this, &host] { come_back(host); });
}

// If it has not left yet, it has to hurry, and says farewell for a while.
void Faults::come_back(Host& host) {
  if (!host.is_up()) return host.start();
  if (!host.is_leaving() || around_.agenda.now() >= end_) return;
  host.leave();
  around_.agenda.after(cluster::Swim::leave_period + 1s, [this, &host] {
    if (around_.agenda.now() < end_) come_back(host);
  });
}

void Faults::take_down(Host& host, FaultEvent const& event) {
  if (host.is_up()) host.crash(event.amount);
  up_again(host, end_of(event) - around_.agenda.now());
}

void Faults::crash_all(FaultEvent const& event) {
  Random random{event.seed};
  for (auto const& host : around_.hosts) {
    if (!host->is_up()) continue;
    host->crash(event.amount);
    up_again(*host, Duration{static_cast<Duration::rep>(
                        random.uniform() * static_cast<double>((event.lasts + 1s).count()))});
  }
}

void Faults::strike(std::vector<NodeId> const& copies) {
  if (strikes_.empty() || around_.agenda.now() >= end_) return;
  FaultEvent const& event = *strikes_.front();
  strikes_.pop_front();
  Random random{event.seed};
  NodeId const victim = copies.empty() ? NodeId{} : copies[random.below(copies.size())];
  if (around_.trace.tells()) around_.say("fault: " + id_of(event) + " strikes");
  // Not within the call of the core that was just answered.
  around_.agenda.after(0s, [this, &event, victim] {
    crash_all(event);
    for (auto const& host : around_.hosts) {
      if (event.loses_disk && !host->is_up() && host->id() == victim) lose_disk(*host);
    }
  });
}

void Faults::clone(FaultEvent const& event) {
  if (event.victims.size() < 2) return;
  Host& original = *around_.hosts[event.victims[0]];
  Host& copy = *around_.hosts[event.victims[1]];
  if (!original.is_up() || around_.cloned.contains(original.id())) return;
  if (copy.is_up()) copy.crash();
  ++identities_lost_;  // its own
  ++identities_lost_;  // its own
  copy.clone_disk(original);
  around_.cloned.insert(copy.id());
  copy.start();
  around_.agenda.at(end_of(event), [this] { part_clones(); });
}

void Faults::part_clones() {
  for (NodeId const id : around_.cloned) {
    Host* kept = nullptr;
    for (auto const& host : around_.hosts) {
      if (host->id() != id) continue;
      if (kept == nullptr ||
          std::pair{host->is_up(), host->epoch()} > std::pair{kept->is_up(), kept->epoch()}) {
        kept = host.get();
      }
    }
    for (auto const& host : around_.hosts) {
      if (host->id() != id || host.get() == kept) continue;
      if (host->is_up()) host->crash();
      host->replace_disk();
      host->start();
    }
    if (kept != nullptr && !kept->is_up()) kept->start();
  }
}

void Faults::swap_addresses(FaultEvent const& event) {
  if (event.victims.size() < 2) return;
  for (unsigned const victim : event.victims) take_down(*around_.hosts[victim], event);
  around_.network->take_address(event.victims[0], event.victims[1]);
}

std::size_t Faults::spared() const {
  std::size_t const machines = around_.hosts.size();
  return machines > identities_lost_ ? (machines - identities_lost_ - 1) / 2 : 0;
}

// Those that know only addresses where nobody lives any more, and whose own nobody else knows: they
// need to be given others. Where one is that a new process is told to call is not lost.
std::set<unsigned> Faults::lost() const {
  Acquaintances reach;
  for ([[maybe_unused]] auto const& host : around_.hosts) reach.add();
  std::vector<unsigned> present;
  for (auto const& host : around_.hosts) {
    if (stay_down_.contains(host->index())) continue;
    present.push_back(host->index());
    for (Endpoint const& known : known_to(*host)) {
      auto const place = around_.network->place_at(known);
      if (place && !stay_down_.contains(*place)) reach.meet(host->index(), *place, {});
    }
  }
  std::set<unsigned> lost;
  for (unsigned const place : present) {
    if (!reach.had_met(present.front(), place, {})) lost.insert(place);
  }
  return lost;
}

void Faults::heal() {
  around_.network->heal();
  strikes_.clear();
  part_clones();
  while (stay_down_.size() > spared()) stay_down_.erase(std::prev(stay_down_.end()));
  std::set<unsigned> const lost = this->lost();
  for (auto const& host : around_.hosts) heal(*host, lost.contains(host->index()));
}

void Faults::heal(Host& host, bool is_lost) {
  host.slow_down(1);
  host.fill_disk(false);
  bool const is_unhealed = counts_[static_cast<std::size_t>(FaultKind::unhealed)] > 0;
  if (!is_unhealed) host.clocks().set_right(around_.agenda.now());
  if (stay_down_.contains(host.index())) {
    if (host.is_up()) host.crash();
    return;
  }
  if (host.is_up() && (has_to_start(host) || is_lost)) host.crash(0);
  if (!host.is_up()) host.start();
  host.scrub();
}

Faults::Counts Faults::counts() const {
  Counts counts = counts_;
  auto const count = [&counts](FaultKind kind) -> std::uint64_t& {
    return counts[static_cast<std::size_t>(kind)];
  };
  Network::Counts const& network = around_.network->counts();
  count(FaultKind::loss) = network.lost;
  count(FaultKind::duplication) = network.duplicated;
  count(FaultKind::corruption) = network.damaged;
  return counts;
}

}  // namespace chisme::simulation
