#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/cluster/membership/network.hpp"

// Measures detection, dissemination, false deaths and traffic of the membership under virtual time
// and prints them beside the goals, as Markdown.
//
//   chisme_membership_figures [RUNS [NODES_MAX]]
//
// RUNS: how many crashes are measured per line (default 300); NODES_MAX leaves larger clusters out.
namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

struct Setting {
  char const* name;
  Profile profile;
  std::size_t nodes;
  double goal_p50;
  double goal_p99;
};

// A cluster whose members know each other, at rest.
std::unique_ptr<Network> settled(std::uint64_t seed, Profile const& profile, std::size_t nodes) {
  auto network = std::make_unique<Network>(seed, profile);
  while (network->size() < nodes) network->add();
  auto const complete = [&] {
    for (std::size_t i = 0; i < nodes; ++i) {
      if (network->at(i).members().size() < nodes) return false;
    }
    return true;
  };
  while (!complete()) network->run(1s);
  network->run(20s);
  return network;
}

struct Death {
  Duration first;
  std::optional<Duration> everybody;
};

// Crashes one node, measures, brings it back and waits until it is well again.
Death kill_one(Network& network, std::size_t victim, Random& random) {
  network.run(Duration{static_cast<Duration::rep>(random.below(2'000'000'000))});
  network.announced.clear();
  network.crash(victim);
  auto const first = network.run_until([&] { return network.deaths() > 0; }, 2min);
  if (!first) return {2min, std::nullopt};
  auto const rest = network.run_until([&] { return network.deaths() >= network.size() - 1; }, 30s);
  network.restart(victim);
  network.run(15s);
  return {*first, rest};
}

Duration quantile(std::vector<Duration> sorted, double q) {
  std::sort(sorted.begin(), sorted.end());
  auto const at = static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

void print_detection(Setting const& setting, std::size_t runs) {
  Random random{setting.nodes};
  std::vector<Duration> first;
  std::vector<Duration> everybody;
  std::size_t incomplete = 0;
  // Small clusters are made anew, so that no run depends on the one before.
  std::size_t const crashes_each = setting.nodes <= 20 ? 10 : runs;
  for (std::size_t run = 0; run < runs;) {
    auto const network = settled(run + 1, setting.profile, setting.nodes);
    network->lose(0.01);
    for (std::size_t i = 0; i < crashes_each && run < runs; ++i, ++run) {
      Death const death = kill_one(*network, 1 + random.below(setting.nodes - 1), random);
      first.push_back(death.first);
      if (death.everybody) {
        everybody.push_back(*death.everybody);
      } else {
        ++incomplete;
      }
    }
  }
  if (everybody.empty()) everybody.push_back(0s);
  std::printf("| %s | %zu | %zu | %.1f / %.1f | %.2f / %.2f | %.2f / %.2f | %zu |\n", setting.name,
              setting.nodes, runs, setting.goal_p50, setting.goal_p99,
              seconds(quantile(first, 0.5)), seconds(quantile(first, 0.99)),
              seconds(quantile(everybody, 0.5)), seconds(quantile(everybody, 0.99)), incomplete);
  std::fflush(stdout);
}

// How long until news that one node has reaches all of them.
void print_dissemination(std::size_t nodes, std::size_t runs) {
  auto const network = settled(7, lan_profile(), nodes);
  network->lose(0.01);
  Random random{nodes};
  std::vector<Duration> took;
  for (std::size_t run = 0; run < runs; ++run) {
    std::size_t const origin = random.below(nodes);
    NodeId const id = Network::id_of(origin);
    network->act(origin, [&](Swim& swim, Effects& out) {
      swim.set_draining(!swim.self().draining, network->now(), out);
    });
    auto const wanted = network->at(origin).self().incarnation;
    Instant const begin = network->now();
    std::size_t next = 0;
    auto const known = [&] {
      while (next < nodes && network->at(next).members().at(id).alive.incarnation >= wanted) ++next;
      return next == nodes;
    };
    while (!known() && network->now() < begin + 2min) network->run(10ms);
    took.push_back(network->now() - begin);
    network->run(20s);
  }
  std::printf("| %zu | %zu | %s | %.2f | %.2f | %.2f |\n", nodes, runs, nodes == 1000 ? "1.1" : "-",
              seconds(quantile(took, 0.5)), seconds(quantile(took, 0.99)),
              seconds(quantile(took, 1)));
  std::fflush(stdout);
}

void print_false_deaths(std::size_t nodes, double loss, std::size_t minutes) {
  auto const network = settled(9, lan_profile(), nodes);
  network->announced.clear();
  network->lose(loss);
  network->run(std::chrono::minutes{minutes});
  std::size_t const suspected = static_cast<std::size_t>(
      std::count_if(network->announced.begin(), network->announced.end(),
                    [](auto const& entry) { return entry.second.state == MemberState::suspect; }));
  std::printf("| %zu | %.0f %% | %.1f | 0 | %zu | %zu |\n", nodes, 100 * loss,
              static_cast<double>(nodes * minutes) / 60, network->deaths(), suspected);
  std::fflush(stdout);
}

void print_traffic(char const* name, Profile const& profile, std::size_t nodes) {
  auto const network = settled(11, profile, nodes);
  // As a core does: each node measures its load every so often, and tells it.
  Duration const load_period =
      std::max(profile.gossip_period, Duration{std::chrono::seconds{nodes}} / 20);
  network->tell_loads(load_period);
  network->run(20s);
  network->traffic = {};
  network->datagrams = 0;
  Duration const measured = std::max<Duration>(2 * profile.push_pull_period, 60s);
  network->run(measured);
  auto const rate = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / seconds(measured) / static_cast<double>(nodes);
  };
  std::printf("| %s | %zu | %.0f | %.0f | %.0f | %.1f |\n", name, nodes,
              rate(network->traffic.membership), rate(network->traffic.loads),
              rate(network->traffic.fingerprints), rate(network->datagrams));
  std::fflush(stdout);
}

void print_all(std::size_t runs, std::size_t nodes_max) {
  std::printf(
      "First declared dead, 1 %% loss, seconds, p50 / p99\n\n"
      "| profile | N | crashes | goal | measured | all others, later | not all |\n"
      "|---|---|---|---|---|---|---|\n");
  for (Setting const& setting :
       {Setting{"loopback", loopback_profile(), 5, 1.2, 1.5},
        Setting{"LAN", lan_profile(), 5, 2.8, 4.0}, Setting{"LAN", lan_profile(), 100, 4.8, 6.7},
        Setting{"LAN", lan_profile(), 1000, 7.3, 8.9}}) {
    if (setting.nodes <= nodes_max) print_detection(setting, runs);
  }
  std::printf(
      "\nAn update reaches all, LAN, 1 %% loss, seconds\n\n"
      "| N | updates | goal | p50 | p99 | max |\n|---|---|---|---|---|---|\n");
  for (std::size_t const nodes : {5u, 20u, 100u, 1000u}) {
    if (nodes <= nodes_max) print_dissemination(nodes, std::min<std::size_t>(runs, 100));
  }
  std::printf(
      "\nFalse deaths, LAN\n\n"
      "| N | loss | node-hours | goal | deaths | suspicions seen |\n|---|---|---|---|---|---|\n");
  for (double const loss : {0.05, 0.3}) {
    print_false_deaths(5, loss, 240);
    if (nodes_max >= 100) print_false_deaths(100, loss, 30);
  }
  std::printf(
      "\nIdle traffic, bytes per second and node (datagrams with their headers of ours, "
      "without UDP's)\n\n"
      "| profile | N | membership (goal 300) | loads | fingerprints | datagrams/s |\n"
      "|---|---|---|---|---|---|\n");
  for (std::size_t const nodes : {5u, 20u, 100u, 1000u}) {
    if (nodes > nodes_max) continue;
    print_traffic("loopback", loopback_profile(), nodes);
    print_traffic("LAN", lan_profile(), nodes);
    print_traffic("WAN", wan_profile(), nodes);
  }
}

}  // namespace
}  // namespace chisme::cluster::testing

int main(int argc, char** argv) {
  std::size_t const runs = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 300;
  std::size_t const nodes_max = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  chisme::cluster::testing::print_all(std::max<std::size_t>(runs, 1), nodes_max);
  return 0;
}
