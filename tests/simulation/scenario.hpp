#pragma once

#include <cstdint>

#include "cluster/base/time.hpp"

namespace chisme::simulation {

// Scenario says what a run consists of. All of it follows from the seed.
struct Scenario {
  std::uint64_t seed = 1;
  unsigned nodes = 5;
  // The network while there are faults.
  double loss = 0;                                // of datagrams
  double duplication = 0;                         // of datagrams
  double corruption = 0;                          // of datagrams
  Duration delay = std::chrono::milliseconds{1};  // the mean, exponential
  // What happens now and then.
  bool crashes = false;
  bool lost_disks = false;  // a crashed node comes back with an empty disk, as another node
  bool partitions = false;
  bool pauses = false;
  bool skewed_clocks = false;  // wall clocks up to 20 s apart
  bool writes = true;
  Duration faults_for = std::chrono::seconds{40};
  Duration converges_within = std::chrono::seconds{60};
};

// Each kind of fault is there with a probability of one half.
[[nodiscard]] Scenario draw_scenario(std::uint64_t seed, unsigned nodes);

}  // namespace chisme::simulation
