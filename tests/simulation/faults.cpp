#include "tests/simulation/faults.hpp"

#include <algorithm>
#include <cmath>

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

Duration exponential(Duration mean, Random& random) {
  double const factor = -std::log(1 - random.uniform());
  return Duration{static_cast<Duration::rep>(static_cast<double>(mean.count()) * factor)};
}

}  // namespace

Faults::Faults(Surroundings& around, Random random)
    : around_(around),
      crashes_(random.split(1)),
      strikes_(random.split(4)),
      partitions_(random.split(2)),
      pauses_(random.split(3)) {
  Scenario const& scenario = around.scenario;
  // A few: were a quarter of the members dead for good, repair would rightly be braked.
  if (scenario.lost_disks) disks_to_lose_ = std::max(1u, scenario.nodes / 8);
}

void Faults::begin(Instant end) {
  end_ = end;
  around_.network->suffer(&around_.scenario);
  Scenario const& scenario = around_.scenario;
  // The larger the cluster, the more machines fail.
  auto const machines = static_cast<int>(scenario.nodes);
  if (scenario.crashes) every(Duration{40s} / machines, crashes_, &Faults::crash_one);
  if (scenario.crashes) every(60s, crashes_, &Faults::crash_all);
  if (scenario.partitions) every(12s, partitions_, &Faults::partition);
  if (scenario.pauses) every(Duration{50s} / machines, pauses_, &Faults::pause_one);
}

void Faults::every(Duration mean, Random& random, void (Faults::*fault)()) {
  around_.agenda.after(exponential(mean, random), [this, mean, &random, fault] {
    if (around_.agenda.now() >= end_) return;
    (this->*fault)();
    every(mean, random, fault);
  });
}

Host* Faults::some_host_up(Random& random) {
  std::vector<Host*> up;
  for (auto const& host : around_.hosts) {
    if (host->is_up()) up.push_back(host.get());
  }
  return up.empty() ? nullptr : up[random.below(up.size())];
}

bool Faults::may_lose_disk() {
  if (disks_to_lose_ == 0 || !crashes_.chance(0.3)) return false;
  --disks_to_lose_;
  return true;
}

void Faults::crash(Host& host, bool loses_disk) {
  host.crash();
  if (loses_disk) host.replace_disk();
  around_.agenda.after(200ms + exponential(5s, crashes_), [this, &host] { restart(host); });
}

void Faults::restart(Host& host) {
  if (!host.is_up()) host.start();
}

void Faults::crash_one() {
  if (Host* const host = some_host_up(crashes_)) crash(*host, may_lose_disk());
}

void Faults::crash_all() {
  for (auto const& host : around_.hosts) {
    if (host->is_up()) crash(*host, false);
  }
}

void Faults::strike(std::vector<NodeId> const& copies) {
  Scenario const& scenario = around_.scenario;
  if (!scenario.crashes || around_.agenda.now() >= end_ || !strikes_.chance(0.03)) return;
  bool const loses_disk = disks_to_lose_ > 0 && strikes_.chance(0.5);
  if (loses_disk) --disks_to_lose_;
  NodeId const victim = copies[strikes_.below(copies.size())];
  for (auto const& host : around_.hosts) {
    if (host->is_up()) crash(*host, loses_disk && host->id() == victim);
  }
}

void Faults::partition() {
  Network::Cut cut;
  cut.sides.resize(around_.hosts.size());
  if (partitions_.chance(0.5)) {
    cut.sides[partitions_.below(cut.sides.size())] = 1;  // one is alone
  } else {
    for (unsigned& side : cut.sides) side = static_cast<unsigned>(partitions_.below(2));
  }
  cut.one_way = partitions_.chance(0.3);
  cut.datagrams_only = partitions_.chance(0.2);
  around_.network->cut(std::move(cut));
  around_.agenda.after(1s + exponential(6s, partitions_), [this] { around_.network->cut({}); });
}

void Faults::pause_one() {
  if (Host* const host = some_host_up(pauses_)) {
    host->pause(around_.agenda.now() + 50ms + exponential(1500ms, pauses_));
  }
}

void Faults::heal() {
  around_.network->suffer(nullptr);
  around_.network->cut({});
  for (auto const& host : around_.hosts) restart(*host);
}

}  // namespace chisme::simulation
