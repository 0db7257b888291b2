#include "tests/simulation/scenario.hpp"

#include "cluster/base/random.hpp"
#include "cluster/membership/peer_calls.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

unsigned draw_nodes(Random random) {
  double const size = random.uniform();
  if (size < 0.001) return 1000;
  if (size < 0.015) return 100;
  return 1 + static_cast<unsigned>(random.below(20));
}

NetworkKind draw_network(Random random) {
  double const kind = random.uniform();
  if (kind < 0.3) return NetworkKind::lan;
  return kind < 0.92 ? NetworkKind::loopback : NetworkKind::wan;
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed, unsigned nodes, Duration faults_for) {
  // A stream for each, so that to give one does not move the others.
  Random root{mix(seed) ^ mix(0x5ce)};
  Random size = root.split(1);
  Random zones = root.split(2);
  Random network = root.split(3);
  Random length = root.split(4);
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = nodes > 0 ? nodes : draw_nodes(size);
  scenario.zones = zones.chance(0.3) ? 2 + static_cast<unsigned>(zones.below(2)) : 1;
  scenario.network = draw_network(network);
  // Some runs are so long that long partitions end in them.
  bool const is_long = scenario.nodes <= 7 && root.split(5).chance(0.02);
  Duration const drawn = is_long ? 15min + length.below(600) * 1s : 30s + length.below(60) * 1s;
  scenario.faults_for = faults_for > Duration{} ? faults_for : drawn;
  // Enough for a few rounds of everything that is periodic.
  scenario.converges_within = 6 * push_pull_period_of(scenario);
  // What had to stay while the network was bad goes a few at a time.
  if (scenario.faults_for > 5min) scenario.converges_within += scenario.faults_for / 6;
  return scenario;
}

cluster::Profile profile_of(Scenario const& scenario) {
  switch (scenario.network) {
    case NetworkKind::loopback:
      return cluster::loopback_profile();
    case NetworkKind::lan:
      return cluster::lan_profile();
    case NetworkKind::wan:
      return cluster::wan_profile();
  }
  return cluster::loopback_profile();
}

Duration push_pull_period_of(Scenario const& scenario) {
  return cluster::push_pull_period(profile_of(scenario), scenario.nodes);
}

}  // namespace chisme::simulation
