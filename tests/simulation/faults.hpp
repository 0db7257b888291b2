#pragma once

#include "cluster/base/random.hpp"
#include "tests/simulation/host.hpp"

namespace chisme::simulation {

// Faults makes machines and the network fail as the scenario allows, each kind with random numbers
// of its own, until `end`.
class Faults {
 public:
  Faults(Surroundings& around, Random random);
  void begin(Instant end);
  // A write was acknowledged this moment: now and then the worst follows at once, the end of all
  // processes and of one of the disks that have it.
  void strike(std::vector<NodeId> const& copies);
  // Heals the network and starts every machine.
  void heal();

 private:
  void every(Duration mean, Random& random, void (Faults::*fault)());
  void crash_one();
  void crash_all();
  void partition();
  void pause_one();
  bool may_lose_disk();
  void crash(Host& host, bool loses_disk);
  void restart(Host& host);
  Host* some_host_up(Random& random);

  Surroundings& around_;
  Random crashes_;
  Random strikes_;
  Random partitions_;
  Random pauses_;
  Instant end_{};
  unsigned disks_to_lose_ = 0;
};

}  // namespace chisme::simulation
