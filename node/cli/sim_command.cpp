#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "tests/simulation/case.hpp"
#include "tests/simulation/shrink.hpp"
#include "tests/simulation/sweep.hpp"

// `chisme sim`: clusters under virtual time, as the tests run them, for people.
namespace chisme::node::cli {
namespace {

using nlohmann::json;
using simulation::Case;
using simulation::FaultKind;
using simulation::FaultKinds;
using simulation::Report;
using simulation::Summary;
using WallClock = std::chrono::steady_clock;

struct SimOptions {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  unsigned nodes = 0;
  double minutes = 0;
  std::string faults;
  std::vector<std::string> only;
  unsigned jobs = 1;
  bool idle = false;
  bool trace = false;
  bool json = false;
  bool shrink = false;
  bool check_replay = false;
  bool schedule = false;
  bool why = false;
};

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

double seconds_since(WallClock::time_point began) {
  return std::chrono::duration<double>{WallClock::now() - began}.count();
}

std::string hex(std::uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

Result<std::optional<FaultKinds>> parse_faults(std::string const& text) {
  if (text.empty()) return std::optional<FaultKinds>{};
  if (text == "none") return std::optional{FaultKinds{}};
  if (text == "all") return std::optional{FaultKinds{}.set()};
  FaultKinds kinds;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t const comma = std::min(text.find(',', at), text.size());
    std::string const name = text.substr(at, comma - at);
    auto const kind = simulation::parse_fault_kind(name);
    if (!kind) {
      std::string known;
      for (auto const& fault : simulation::fault_names) known += " " + std::string(fault);
      return fail(Fault::invalid, "there is no fault \"" + name + "\": they are" + known);
    }
    kinds.set(static_cast<std::size_t>(*kind));
    at = comma + 1;
  }
  return std::optional{kinds};
}

Result<Case> case_of(SimOptions const& options) {
  auto const kinds = parse_faults(options.faults);
  if (!kinds) return tl::unexpected<Error>(kinds.error());
  Case first;
  first.seed = options.seed;
  first.nodes = options.nodes;
  first.faults_for = std::chrono::milliseconds{std::llround(options.minutes * 60'000)};
  first.kinds = *kinds;
  first.only = options.only;
  first.writes = !options.idle;
  for (std::string const& id : options.only) {
    auto const kind = id.substr(0, id.find_last_not_of("0123456789") + 1);
    if (!simulation::parse_fault_kind(kind)) {
      return fail(Fault::invalid, "\"" + id + "\" is no event, as --schedule prints them");
    }
  }
  return first;
}

json texts_of(Report const& report) {
  json texts = json::array();
  for (auto const& violation : report.violations) texts.push_back(to_string(violation));
  return texts;
}

json faults_of(simulation::Faults::Counts const& counts) {
  json faults = json::object();
  for (std::size_t i = 0; i < simulation::fault_kinds; ++i) {
    if (counts[i] > 0) faults[std::string(simulation::fault_names[i])] = counts[i];
  }
  return faults;
}

json writes_of(simulation::Workload::Counts const& writes) {
  return {{"acknowledged", writes.acknowledged},
          {"absent", writes.absent},
          {"refused", writes.refused},
          {"unmet", writes.unmet},
          {"unknown", writes.unknown}};
}

void print_writes(simulation::Workload::Counts const& writes) {
  std::cout << "writes: " << writes.acknowledged << " acknowledged, " << writes.refused
            << " refused, " << writes.unknown << " unknown, " << writes.absent << " absent, "
            << writes.unmet << " with an unmet condition\n";
}

void print_faults(simulation::Faults::Counts const& counts) {
  std::cout << "faults:";
  for (std::size_t i = 0; i < simulation::fault_kinds; ++i) {
    if (counts[i] > 0) std::cout << " " << simulation::fault_names[i] << " " << counts[i];
  }
  std::cout << "\n";
}

// What is needed to look into a failure: seed, commit, schedule, and how to see it again.
void print_failure(Case const& the_case, Report const& report) {
  std::cout << "FAILED seed " << the_case.seed << " commit " << simulation::commit() << "\n";
  for (auto const& violation : report.violations) {
    std::cout << "  " << to_string(violation) << "\n";
  }
  std::cout << "  again: " << command_of(the_case) << "\n";
}

void print_schedule(Case const& the_case) {
  for (auto const& event : schedule_of(the_case).events) {
    std::cout << "  " << describe(event) << "\n";
  }
}

void shrink_and_print(Case const& the_case, Report const& report) {
  auto const invariant = report.violations.front().invariant;
  if (invariant == simulation::Invariant::replay_is_identical) return;
  auto const fails = [invariant](Case const& smaller) {
    return simulation::violates(smaller, invariant);
  };
  Case const smallest = simulation::shrink(the_case, fails);
  std::cout << "shrunken to " << schedule_of(smallest).events.size() << " faults:\n";
  print_schedule(smallest);
  print_failure(smallest, simulation::run(smallest));
}

// The table of one run.
void print_run(Case const& the_case, Report const& report, double wall, SimOptions const& options) {
  auto const scenario = scenario_of(the_case);
  std::cout << "seed " << the_case.seed << ", " << scenario.nodes << " nodes, "
            << seconds(report.simulated) << " s simulated in " << wall << " s, " << report.events
            << " events, trace " << hex(report.trace_hash) << "\n";
  print_writes(report.writes);
  print_faults(report.faults);
  if (report.violations.empty()) {
    std::cout << "no violation; agreed " << seconds(report.converged_after)
              << " s after the faults\n";
  }
  for (std::size_t i = 0; options.why && i < report.waited_for.size(); ++i) {
    std::cout << "waited: " << report.waited_for[i] << "\n";
  }
}

json json_of(Case const& the_case, Report const& report, double wall) {
  return {{"seed", the_case.seed},
          {"nodes", scenario_of(the_case).nodes},
          {"trace_hash", hex(report.trace_hash)},
          {"violations", texts_of(report)},
          {"simulated_seconds", seconds(report.simulated)},
          {"wall_seconds", wall},
          {"events", report.events},
          {"agreed_after_seconds", seconds(report.converged_after)},
          {"busiest_node_bytes_per_second", report.busiest_sends},
          {"idle_node_bytes_per_second", report.idlest_sends},
          {"writes", writes_of(report.writes)},
          {"faults", faults_of(report.faults)}};
}

int run_one(Case const& the_case, SimOptions const& options) {
  if (options.schedule) print_schedule(the_case);
  auto const began = WallClock::now();
  std::function<void(std::string_view)> line;
  if (options.trace) line = [](std::string_view text) { std::cout << text << "\n"; };
  Report report = simulation::run(the_case, line);
  double const wall = seconds_since(began);
  if (options.check_replay && simulation::run(the_case).trace_hash != report.trace_hash) {
    report.violations.push_back(
        {simulation::Invariant::replay_is_identical, {}, "a second run did something else"});
  }
  if (options.json) {
    std::cout << json_of(the_case, report, wall).dump() << "\n";
  } else {
    print_run(the_case, report, wall, options);
  }
  if (report.violations.empty()) return 0;
  if (options.json) return 1;
  print_failure(the_case, report);
  print_schedule(the_case);
  if (options.shrink) shrink_and_print(the_case, report);
  return 1;
}

json json_of(Summary const& summary, double wall) {
  json failures = json::array();
  for (auto const& failure : summary.failures) {
    failures.push_back({{"seed", failure.the_case.seed},
                        {"violations", texts_of(failure.report)},
                        {"command", command_of(failure.the_case)}});
  }
  return {{"seeds", summary.seeds},
          {"failed", summary.failures.size()},
          {"replayed", summary.replayed},
          {"commit", simulation::commit()},
          {"simulated_seconds", summary.simulated_seconds},
          {"node_seconds", summary.node_seconds},
          {"wall_seconds", wall},
          {"events", summary.events},
          {"messages", summary.messages},
          {"writes", writes_of(summary.writes)},
          {"faults", faults_of(summary.faults)},
          {"failures", failures}};
}

void print_summary(Summary const& summary, double wall) {
  std::cout << summary.failures.size() << " of " << summary.seeds << " seeds failed; "
            << summary.replayed << " were run twice\n"
            << summary.simulated_seconds / 3600 << " hours simulated in " << wall
            << " s: " << static_cast<double>(summary.events) / wall << " events/s, "
            << summary.node_seconds / wall << " node-seconds/s\n";
  print_writes(summary.writes);
  print_faults(summary.faults);
}

int run_many(Case const& first, SimOptions const& options) {
  constexpr unsigned replayed = 20;  // every so-many-th
  auto const began = WallClock::now();
  simulation::Sweep const what{first, options.seeds, options.jobs,
                               options.check_replay ? replayed : 0};
  Summary const summary = simulation::sweep(what, [&](Case const& ended, Report const& report) {
    if (!options.json && !report.violations.empty()) print_failure(ended, report);
    std::cout.flush();
  });
  double const wall = seconds_since(began);
  if (options.json) {
    std::cout << json_of(summary, wall).dump() << "\n";
  } else {
    print_summary(summary, wall);
  }
  if (summary.failures.empty()) return 0;
  if (options.shrink && !options.json) {
    auto const& failure = summary.failures.front();
    shrink_and_print(failure.the_case, failure.report);
  }
  return 1;
}

void add_sim_options(CLI::App& command, SimOptions& options) {
  command
      .add_option("--nodes", options.nodes, "nodes of the cluster; drawn from the seed if absent")
      ->check(CLI::Range(1u, 1000u));
  command.add_option("--seed", options.seed, "all that is random follows from it");
  command.add_option("--seeds", options.seeds, "run so many seeds, counting from --seed")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--minutes", options.minutes,
                  "simulated minutes with faults; drawn from the seed if absent")
      ->check(CLI::Range(0.01, 100'000.0));
  command.add_option("--faults", options.faults,
                     "all, none, or some, with commas between; each has a chance of one half if "
                     "absent");
  command
      .add_option("--only-events", options.only,
                  "of the schedule only these, with commas between: crash3, or crash for all such")
      ->delimiter(',');
  command.add_option("--jobs", options.jobs, "with --seeds: threads")->check(CLI::Range(1u, 256u));
  command.add_flag("--idle", options.idle, "no clients");
  command.add_flag("--schedule", options.schedule, "print the faults to come first");
  command.add_flag("--trace", options.trace, "print a line for each event");
  command.add_flag("--why", options.why, "say what agreement after the faults waited for");
  command.add_flag("--shrink", options.shrink,
                   "on failure look for fewer faults, nodes and less time that fail too");
  command.add_flag("--check-replay", options.check_replay,
                   "run it again, of many seeds every 20th, and compare the traces");
  command.add_flag("--json", options.json, "print JSON");
}

int run_sim(SimOptions const& options) {
  auto const first = case_of(options);
  if (!first) return wrong_usage(first.error());
  if (options.seeds == 1) return run_one(*first, options);
  if (options.trace || options.schedule || options.why) {
    return wrong_usage(Error{Fault::invalid, "--trace, --schedule and --why are for one seed", 0});
  }
  return run_many(*first, options);
}

}  // namespace

void add_sim_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<SimOptions>();
  CLI::App& command = *app.add_subcommand(
      "sim", "run clusters under virtual time with faults, and check their promises");
  add_sim_options(command, *options);
  add_sim_balance_command(command, chosen);
  command.callback([&command, options, &chosen] {
    if (command.get_subcommands().empty()) chosen = [options] { return run_sim(*options); };
  });
}

}  // namespace chisme::node::cli
