#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/schedule.hpp"
#include "tests/simulation/world.hpp"

namespace chisme::simulation {

// Case is one run as people name it: a seed, and what of it is given rather than drawn. The same
// case, run by the same program, does the same.
struct Case {
  std::uint64_t seed = 1;
  unsigned nodes = 0;                    // 0: drawn
  Duration faults_for{};                 // zero: drawn
  std::optional<FaultKinds> kinds = {};  // nullopt: drawn
  std::vector<std::string> only = {};    // events or kinds of the schedule; empty: all of it
  bool writes = true;
};

[[nodiscard]] Scenario scenario_of(Case const& the_case);
[[nodiscard]] Schedule schedule_of(Case const& the_case);
// "chisme sim --seed 7 --nodes 5 --minutes 0.6", which does it again.
[[nodiscard]] std::string command_of(Case const& the_case);
// The revision that was built, or of the environment's CHISME_COMMIT.
[[nodiscard]] std::string commit();

// Runs it. `line`, if there is one, is called with each line of the trace.
[[nodiscard]] Report run(Case const& the_case,
                         std::function<void(std::string_view)> const& line = {});

}  // namespace chisme::simulation
