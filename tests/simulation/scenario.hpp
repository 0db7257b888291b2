#pragma once

#include <cstdint>

#include "cluster/base/time.hpp"
#include "cluster/config.hpp"

namespace chisme::simulation {

enum class NetworkKind : std::uint8_t { loopback, lan, wan };

// Scenario says what a run consists of, its faults apart (schedule.hpp).
struct Scenario {
  std::uint64_t seed = 1;
  unsigned nodes = 5;
  unsigned zones = 1;  // node i is in zone i % zones; 1: nodes name no zone
  NetworkKind network = NetworkKind::loopback;  // which profile the nodes use
  unsigned revocations = 0;                     // of tokens and links, before the faults
  bool writes = true;
  bool intruder = true;  // old datagrams come again, whatever is cut
  Duration faults_for = std::chrono::seconds{40};
  Duration converges_within = std::chrono::seconds{60};
};

// Follows from the seed. `nodes` 0: drawn too, mostly 1 to 20, sometimes 100, rarely 1000.
// `faults_for` zero: drawn too, 30 to 90 s, or, rarely and for a few nodes, 15 to 25 minutes.
[[nodiscard]] Scenario draw_scenario(std::uint64_t seed, unsigned nodes = 0,
                                     Duration faults_for = {});

[[nodiscard]] cluster::Profile profile_of(Scenario const& scenario);
// With all its nodes alive.
[[nodiscard]] Duration push_pull_period_of(Scenario const& scenario);

}  // namespace chisme::simulation
