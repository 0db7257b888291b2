#include "tests/simulation/case.hpp"

#include <cstdio>
#include <cstdlib>

#ifndef CHISME_COMMIT
#define CHISME_COMMIT "unknown"
#endif

namespace chisme::simulation {
namespace {

std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (std::string const& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string text_of(FaultKinds kinds) {
  if (kinds.all()) return "all";
  if (kinds.none()) return "none";
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    if (kinds[i]) names.emplace_back(fault_names[i]);
  }
  return joined(names);
}

}  // namespace

Scenario scenario_of(Case const& the_case) {
  Scenario scenario = draw_scenario(the_case.seed, the_case.nodes, the_case.faults_for);
  scenario.writes = the_case.writes;
  return scenario;
}

Schedule schedule_of(Case const& the_case) {
  Scenario const scenario = scenario_of(the_case);
  FaultKinds const kinds = the_case.kinds.value_or(draw_kinds(the_case.seed));
  Schedule const schedule = draw_schedule(scenario, kinds);
  return the_case.only.empty() ? schedule : only(schedule, the_case.only);
}

std::string command_of(Case const& the_case) {
  Scenario const scenario = scenario_of(the_case);
  char minutes[32];
  std::snprintf(minutes, sizeof minutes, "%.6g",
                std::chrono::duration<double, std::ratio<60>>{scenario.faults_for}.count());
  std::string command = "chisme sim --seed " + std::to_string(the_case.seed) + " --nodes " +
                        std::to_string(scenario.nodes) + " --minutes " + minutes;
  if (the_case.kinds) command += " --faults " + text_of(*the_case.kinds);
  if (!the_case.only.empty()) command += " --only-events " + joined(the_case.only);
  if (!the_case.writes) command += " --idle";
  return command;
}

std::string commit() {
  char const* const given = std::getenv("CHISME_COMMIT");
  return given != nullptr ? given : CHISME_COMMIT;
}

Report run(Case const& the_case, std::function<void(std::string_view)> const& line) {
  World world{scenario_of(the_case), schedule_of(the_case)};
  if (line) world.around().trace.tell(line);
  return world.run();
}

}  // namespace chisme::simulation
