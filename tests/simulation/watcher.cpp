#include "tests/simulation/watcher.hpp"

#include <utility>

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

// A look takes N * N steps, so that large clusters are looked at less often.
constexpr Duration look_period = 500ms;
constexpr unsigned looked_at_often = 20;
// Invariant 17: two push-pull periods, and the time that the last call takes.
Duration views_agree_within(Scenario const& scenario) {
  return 2 * push_pull_period_of(scenario) + 2s;
}

std::optional<Violation> pending_work(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    if (sight.view.repairs_pending == 0) continue;
    return Violation{Invariant::nothing_pending, {}, name_of(*sight.host) + " has repairs pending"};
  }
  return std::nullopt;
}

}  // namespace

Watcher::Watcher(Surroundings& around, Workload& workload, Random random)
    : around_(around),
      workload_(workload),
      bounds_(around),
      membership_(around),
      catalogues_(around, workload),
      copies_(around),
      merges_(around, random.split(1)),
      intruder_(around, random.split(2)),
      traffic_(around) {}

Duration Watcher::period() const {
  auto const nodes = static_cast<unsigned>(around_.hosts.size());
  return look_period * std::max(1u, nodes / looked_at_often);
}

void Watcher::look() {
  Instant const now = around_.agenda.now();
  traffic_.look();
  if (now < next_look_) return;
  next_look_ = now + period();
  std::vector<Sight> const sights = sights_of(around_);
  bounds_.look(sights);
  membership_.look(sights);
  catalogues_.look(sights);
  workload_.check_durable();
  // Afterwards it would disturb what has to come to rest.
  if (!healed_ && around_.scenario.intruder) intruder_.act();
}

void Watcher::heals() {
  healed_ = around_.agenda.now();
}

void Watcher::sends(Host const& host, Send const& what, std::string const& bytes) {
  traffic_.sends(host, bytes.size());
  merges_.sends(what.message);
  intruder_.sends(what, bytes);
}

std::optional<Violation> Watcher::disagreement() {
  std::vector<Sight> const sights = sights_of(around_);
  if (auto wrong = wrong_views(sights)) {
    bool const late =
        healed_ && around_.agenda.now() - *healed_ > views_agree_within(around_.scenario);
    if (late && wrong->invariant == Invariant::views_agree &&
        !std::exchange(late_views_told_, true)) {
      around_.violated(wrong->invariant, wrong->what + " two push-pull periods after the faults");
    }
    return wrong;
  }
  if (auto wrong = different_catalogues(sights)) return wrong;
  if (auto wrong = pending_work(sights)) return wrong;
  if (auto wrong = wrong_copies(sights, workload_)) return wrong;
  return is_settled_ ? surplus_copies(sights, workload_) : std::nullopt;
}

void Watcher::ends_idle() {
  traffic_.idle_ends();
  merges_.compare();
}

}  // namespace chisme::simulation
