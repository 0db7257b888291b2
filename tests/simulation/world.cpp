#include "tests/simulation/world.hpp"

#include <algorithm>

namespace chisme::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration watch_period = 500ms;
constexpr Duration write_period = 300ms;
constexpr Duration longest_write = 7s;        // the write timeout, and what follows
constexpr Duration agreement_period = 100ms;  // of looking for it; longer in large clusters
constexpr Duration settling =
    25s;  // until trims are done and gossip of the last changes has died out

// Streams of one seed, so that what one draws does not shift the others.
enum class Purpose : std::uint64_t {
  world,
  network,
  workload,
  faults,
  first_host,
  watcher = 1u << 20
};

Random stream(Scenario const& scenario, Purpose purpose, std::uint64_t number = 0) {
  return Random{mix(scenario.seed) ^ mix(static_cast<std::uint64_t>(purpose) + number)};
}

}  // namespace

World::World(Scenario scenario, Schedule schedule)
    : around_(scenario),
      random_(stream(scenario, Purpose::world)),
      workload_(around_, stream(scenario, Purpose::workload)),
      watcher_(around_, workload_, stream(scenario, Purpose::watcher)),
      faults_(around_, std::move(schedule)) {
  around_.observer = &watcher_;
  around_.network = std::make_unique<Network>(around_.agenda, stream(scenario, Purpose::network));
  around_.write_finished = [this](auto const& finished) {
    workload_.finished(finished);
    if (finished.outcome) faults_.strike(finished.outcome->copies);
  };
  around_.lookup_finished = [this](auto const& finished) { workload_.finished(finished); };
  for (unsigned i = 0; i < scenario.nodes; ++i) {
    around_.hosts.push_back(
        std::make_unique<Host>(around_, i, stream(scenario, Purpose::first_host, i)));
    around_.network->add(*around_.hosts.back());
  }
  faults_.prepare();
}

void World::start_all() {
  for (auto const& host : around_.hosts) {
    Duration const after = std::chrono::milliseconds{random_.below(500)};
    if (faults_.comes_late(host->index())) continue;
    around_.agenda.after(after, [host = host.get()] { host->start(); });
  }
  watch();
  run_for(500ms);
}

void World::watch() {
  watcher_.look();
  around_.agenda.after(watch_period, [this] { watch(); });
}

void World::write() {
  if (now() >= writes_end_) return;
  workload_.act();
  around_.agenda.after(
      std::chrono::microseconds{random_.below(2 * static_cast<std::uint64_t>(write_period / 1us))},
      [this] { write(); });
}

std::optional<Duration> World::run_until_agreed(Duration most) {
  Instant const began = now();
  while (now() < began + most) {
    auto reason = watcher_.disagreement();
    if (!reason) return now() - began;
    bool const is_new = waited_for_.empty() || waited_for_.back() != reason->what;
    if (is_new) waited_for_.push_back(std::move(reason->what));
    run_for(agreement_period * std::max(1u, around_.scenario.nodes / 20));
  }
  return std::nullopt;
}

Report World::run() {
  if (faults_.are_mild()) watcher_.expects_no_death();
  start_all();
  watcher_.revokes();
  run_for(2s);
  watcher_.faults_begin();
  Instant const faults_end = now() + around_.scenario.faults_for;
  // In fair weather all must agree soon after the last write, before anything is healed.
  bool const is_fair = faults_.are_fair();
  writes_end_ = is_fair ? faults_end - longest_write - Watcher::agree_within : faults_end;
  if (around_.scenario.writes) write();
  faults_.begin(faults_end);
  run_for(around_.scenario.faults_for);
  if (is_fair) watcher_.expects_agreement();
  faults_.heal();
  watcher_.heals();
  Report report;
  conclude(report);
  return report;
}

void World::conclude(Report& report) {
  auto const agreed = run_until_agreed(around_.scenario.converges_within);
  if (!agreed) {
    auto const wrong = watcher_.disagreement();
    if (wrong) around_.violated(wrong->invariant, "no agreement: " + wrong->what);
  }
  report.converged_after = agreed.value_or(around_.scenario.converges_within);
  run_for(settling);
  watcher_.settles();
  // To remove what is too much takes as long as there is much of it, and is no idleness: a node
  // with a slow disk and small limits, in whose cluster there was never a calm moment, has
  // thousands.
  Duration const lasting_agreement_within =
      std::max<Duration>(20s, around_.scenario.faults_for / 4);
  run_until_agreed(lasting_agreement_within);
  watcher_.begins_idle();
  run_for(longest_write);
  watcher_.ends_idle();
  if (agreed) {
    // What a trim changes is on its way for a moment.
    if (!run_until_agreed(lasting_agreement_within)) {
      auto const again = watcher_.disagreement();
      if (again) around_.violated(again->invariant, "agreement did not last: " + again->what);
    }
    auto const sights = sights_of(around_);
    if (!sights.empty()) workload_.compare(sights.front().view);
  }
  report.waited_for = waited_for_;
  report.violations = around_.violations;
  report.trace_hash = around_.trace.hash();
  report.events = around_.agenda.done();
  report.faults = faults_.counts();
  report.messages = around_.network->counts().messages;
  report.simulated = now() - Instant{};
  report.writes = workload_.counts();
  report.busiest_sends = watcher_.traffic().busiest();
  report.idlest_sends = watcher_.traffic().idlest();
}

}  // namespace chisme::simulation
