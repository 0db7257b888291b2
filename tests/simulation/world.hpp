#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/faults.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/watcher.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

struct Report {
  std::vector<Violation> violations;  // empty: all is well
  std::uint64_t trace_hash = 0;       // equal for equal scenarios
  std::uint64_t events = 0;
  Duration simulated{};
  std::vector<std::string> waited_for;  // what was not agreed yet, as it changed
  Duration converged_after{};           // since the faults ended
  Workload::Counts writes;
  Faults::Counts faults{};
  std::uint64_t messages = 0;
  // What the node that sends most sends, in bytes a second: over ten seconds, and when all is over.
  std::uint64_t busiest_sends = 0;
  std::uint64_t idlest_sends = 0;
};

// World is one cluster under virtual time, a function of its scenario and its schedule of faults.
class World {
 public:
  explicit World(Scenario scenario, Schedule schedule = {});

  // Starts all, makes faults, heals them, waits for agreement, and checks what clients were told.
  Report run();

  // For tests that do things of their own:
  // Returns when all are up, half a second later.
  void start_all();
  void run_for(Duration span) { around_.agenda.run_until(now() + span); }
  // Runs until all agree; how long that took, or nullopt after `most`.
  std::optional<Duration> run_until_agreed(Duration most);
  [[nodiscard]] Instant now() const { return around_.agenda.now(); }
  [[nodiscard]] Host& host(unsigned i) { return *around_.hosts[i]; }
  [[nodiscard]] Surroundings& around() { return around_; }
  [[nodiscard]] Workload& workload() { return workload_; }

 private:
  void watch();
  void write();
  void conclude(Report& report);

  Surroundings around_;
  Random random_;
  Workload workload_;
  Watcher watcher_;
  Faults faults_;
  Instant writes_end_{};
  std::vector<std::string> waited_for_;
};

}  // namespace chisme::simulation
