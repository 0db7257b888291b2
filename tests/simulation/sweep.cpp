#include "tests/simulation/sweep.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace chisme::simulation {
namespace {

void add(Workload::Counts& sum, Workload::Counts const& one) {
  sum.acknowledged += one.acknowledged;
  sum.absent += one.absent;
  sum.refused += one.refused;
  sum.unknown += one.unknown;
  sum.unmet += one.unmet;
}

void add(Summary& summary, Case const& the_case, Report const& report) {
  double const seconds = std::chrono::duration<double>{report.simulated}.count();
  ++summary.seeds;
  summary.simulated_seconds += seconds;
  summary.node_seconds += seconds * scenario_of(the_case).nodes;
  summary.events += report.events;
  summary.messages += report.messages;
  add(summary.writes, report.writes);
  for (std::size_t i = 0; i < fault_kinds; ++i) summary.faults[i] += report.faults[i];
  if (!report.violations.empty()) summary.failures.push_back({the_case, report});
}

void replay(Case const& the_case, Report& report) {
  Report const again = run(the_case);
  if (again.trace_hash == report.trace_hash && again.events == report.events) return;
  report.violations.push_back(
      {Invariant::replay_is_identical, {}, "a second run did something else"});
}

}  // namespace

Summary sweep(Sweep const& what, std::function<void(Case const&, Report const&)> const& ended) {
  Summary summary;
  std::mutex summing;
  std::atomic<std::uint64_t> next{0};
  auto const work = [&] {
    for (std::uint64_t i = next++; i < what.seeds; i = next++) {
      Case the_case = what.first;
      the_case.seed += i;
      Report report = run(the_case);
      bool const twice = what.replay_every > 0 && i % what.replay_every == 0;
      if (twice) replay(the_case, report);
      std::lock_guard const lock(summing);
      if (twice) ++summary.replayed;
      add(summary, the_case, report);
      if (ended) ended(the_case, report);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < what.jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  std::sort(summary.failures.begin(), summary.failures.end(),
            [](auto const& a, auto const& b) { return a.the_case.seed < b.the_case.seed; });
  return summary;
}

}  // namespace chisme::simulation
