#include "tests/simulation/watcher.hpp"

#include <algorithm>
#include <utility>

#include "cluster/replication/trimmer.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

// A look takes as many steps as there are members at each node that it comes to. It comes to so
// many of them that it costs about the same in clusters of all sizes, and to others the next time.
constexpr Duration look_period = 500ms;
constexpr std::size_t looked_at = 20;
// Invariant 17: two push-pull periods, and the time that the last call takes.
Duration views_agree_within(Scenario const& scenario) {
  return 2 * push_pull_period_of(scenario) + 2s;
}
// Two turns of anti-entropy, and the time that the last write takes.
Duration names_agree_within(Scenario const& scenario) {
  return 2 * push_pull_period_of(scenario) + 7s;
}

// Invariant 20, all that cores say of their work. Copies that are too many may take their time
// until the cluster has settled, and for ever where only nodes of old versions could see to them.
std::optional<Violation> pending_work(std::span<Sight const> sights, bool is_settled) {
  bool const trims_end =
      is_settled && std::ranges::none_of(sights, [](Sight const& sight) {
        return sight.host->config().versions.highest < minimum_version<VerifyCopy>;
      });
  for (Sight const& sight : sights) {
    std::string what = sight.view.repairs_pending > 0 ? "repairs pending" : "";
    for (TableSize const& table : sight.host->core().sizes()) {
      bool const counts = table.is_work && (trims_end || table.name != Trimmer::waiting_name);
      if (counts && table.size > 0)
        what = std::to_string(table.size) + " " + std::string{table.name};
    }
    if (what.empty()) continue;
    return Violation{Invariant::nothing_pending, {}, name_of(*sight.host) + " has " + what};
  }
  return std::nullopt;
}

}  // namespace

Watcher::Watcher(Surroundings& around, Workload& workload, Random random)
    : around_(around),
      workload_(workload),
      access_(around),
      bounds_(around),
      membership_(around),
      catalogues_(around, workload),
      copies_(around),
      departures_(around, copies_),
      merges_(around, random.split(1)),
      intruder_(around, random.split(2)),
      traffic_(around) {}

std::vector<Sight> Watcher::next_sights() {
  std::vector<Sight> sights;
  std::size_t const hosts = around_.hosts.size();
  for (std::size_t i = 0; i < std::min(looked_at, hosts); ++i) {
    Host const& host = *around_.hosts[next_host_++ % hosts];
    if (host.is_up()) sights.push_back({&host, host.view()});
  }
  return sights;
}

void Watcher::look() {
  Instant const now = around_.agenda.now();
  traffic_.look();
  if (now < next_look_) return;
  next_look_ = now + look_period;
  std::vector<Sight> const sights = next_sights();
  membership_.look(sights);
  membership_.check_twins();
  catalogues_.look(sights);
  departures_.look();
  access_.look(sights);
  workload_.check_durable();
  // Afterwards it would disturb what has to come to rest.
  if (!healed_ && around_.scenario.intruder) intruder_.act();
}

void Watcher::heals() {
  healed_ = around_.agenda.now();
}

// A stream to where nobody listens carries nothing.
bool Watcher::is_carried(Send const& what) const {
  if (what.channel == Channel::datagram) return true;
  auto const place = around_.network->place_at(what.to);
  return place && around_.hosts[*place]->is_up();
}

void Watcher::sends(Host const& host, Send const& what, std::string const& bytes) {
  if (is_carried(what)) traffic_.sends(host, what.message, bytes.size());
  merges_.sends(what.message);
  intruder_.sends(what, bytes);
}

std::optional<Violation> Watcher::disagreement() {
  std::vector<Sight> const sights = sights_of(around_);
  check_deadlines(sights);
  if (auto wrong = wrong_views(sights)) return wrong;
  if (auto wrong = different_catalogues(sights)) return wrong;
  if (auto wrong = access_.disagreement(sights)) return wrong;
  if (auto wrong = pending_work(sights, is_settled_)) return wrong;
  if (auto wrong = wrong_copies(sights, workload_)) return wrong;
  return is_settled_ ? surplus_copies(sights, workload_) : std::nullopt;
}

void Watcher::check_deadlines(std::span<Sight const> sights) {
  if (!healed_) return;
  Duration const since = around_.agenda.now() - *healed_;
  if (since > views_agree_within(around_.scenario) && !late_views_told_) {
    auto const wrong = wrong_views(sights);
    late_views_told_ = wrong && wrong->invariant == Invariant::views_agree;
    if (late_views_told_) {
      around_.violated(wrong->invariant, wrong->what + " two push-pull periods after the faults");
    }
  }
  if (since > names_agree_within(around_.scenario) && !late_names_told_) {
    auto const wrong = different_names(sights);
    late_names_told_ = wrong.has_value();
    if (wrong) {
      around_.violated(wrong->invariant, wrong->what + " two anti-entropy turns after the faults");
    }
  }
}

void Watcher::expects_agreement() {
  std::vector<Sight> const sights = sights_of(around_);
  auto wrong = wrong_views(sights);
  // Somebody may be suspect for a moment at any time.
  if (wrong && wrong->invariant != Invariant::views_agree) wrong.reset();
  if (!wrong) wrong = different_names(sights);
  if (wrong) around_.violated(wrong->invariant, wrong->what + " in fair weather");
}

void Watcher::ends_idle() {
  traffic_.idle_ends();
  merges_.compare();
}

}  // namespace chisme::simulation
