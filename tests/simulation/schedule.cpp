#include "tests/simulation/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "cluster/base/random.hpp"

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

constexpr unsigned events_max = 5'000;  // of one kind
constexpr double only_weather = 0.04;
constexpr unsigned configured_peers = 2;  // the first places (Host::config)
constexpr double fair_loss = 0.1;
constexpr Duration shortest_partition = 5s;
constexpr Duration longest_partition = 20min;

FaultKinds weather_kinds() {
  return FaultKinds{}
      .set(static_cast<std::size_t>(FaultKind::loss))
      .set(static_cast<std::size_t>(FaultKind::duplication))
      .set(static_cast<std::size_t>(FaultKind::delay));
}

// Draw makes the events of one kind.
class Draw {
 public:
  Draw(Scenario const& scenario, FaultKind kind)
      : scenario_(scenario),
        kind_(kind),
        random_(mix(scenario.seed) ^ mix(0xfa017 + static_cast<std::uint64_t>(kind))) {}

  Random& random() { return random_; }
  Duration exponential(Duration mean) {
    double const factor = -std::log(1 - random_.uniform());
    return Duration{static_cast<Duration::rep>(static_cast<double>(mean.count()) * factor)};
  }
  // Evenly over the orders of magnitude.
  double orders(double least, double most) {
    return least * std::pow(most / least, random_.uniform());
  }
  Duration orders(Duration least, Duration most) {
    double const drawn =
        orders(static_cast<double>(least.count()), static_cast<double>(most.count()));
    return Duration{static_cast<Duration::rep>(drawn)};
  }
  double either_way(double amount) { return random_.chance(0.5) ? amount : -amount; }
  unsigned victim() { return static_cast<unsigned>(random_.below(scenario_.nodes)); }
  // Two different ones, or one if there is one.
  std::vector<unsigned> pair() {
    unsigned const first = victim();
    unsigned const second = victim();
    if (scenario_.nodes < 2) return {first};
    return {first, second != first ? second : (first + 1) % scenario_.nodes};
  }
  std::vector<unsigned> some(double share) {
    std::vector<unsigned> places;
    for (unsigned i = 0; i < scenario_.nodes; ++i) {
      if (random_.chance(share)) places.push_back(i);
    }
    return places;
  }
  [[nodiscard]] double machines() const { return static_cast<double>(scenario_.nodes); }
  [[nodiscard]] Scenario const& scenario() const { return scenario_; }

  // Once, for as long as there are faults.
  template <typename Fill>
  void whole_time(Fill fill) {
    add(0s, fill);
    events_.back().lasts = scenario_.faults_for;
  }
  // All the time, but not always the same.
  template <typename Fill>
  void changing(Fill fill) {
    whole_time(fill);
    every(30s, fill);
  }
  // Once, at any moment.
  template <typename Fill>
  void once(Fill fill) {
    double const last = static_cast<double>(scenario_.faults_for.count());
    add(Duration{static_cast<Duration::rep>(last * random_.uniform())}, fill);
  }
  // Again and again, exponentially apart.
  template <typename Fill>
  void every(Duration mean, Fill fill, unsigned most = events_max) {
    for (Duration at = exponential(mean); at < scenario_.faults_for; at += exponential(mean)) {
      if (events_.size() >= most) return;
      add(at, fill);
    }
  }
  // Again and again; half of them begin after the one before is over.
  template <typename Fill>
  void overlapping(Duration mean, Fill fill) {
    for (Duration at = exponential(mean); at < scenario_.faults_for; at += exponential(mean)) {
      if (events_.size() >= events_max) return;
      add(at, fill);
      if (random_.chance(0.5)) at += events_.back().lasts;
    }
  }
  std::vector<FaultEvent> take() { return std::move(events_); }

 private:
  template <typename Fill>
  void add(Duration at, Fill fill) {
    FaultEvent event;
    event.kind = kind_;
    event.number = static_cast<unsigned>(events_.size()) + 1;
    event.from = at;
    event.seed = random_();
    fill(event);
    events_.push_back(std::move(event));
  }

  Scenario const& scenario_;
  FaultKind kind_;
  Random random_;
  std::vector<FaultEvent> events_;
};

// Machines that lose their disk leave a dead member behind. Were more than a quarter dead, repair
// would rightly be braked: a few only, of all kinds together.
struct Losses {
  unsigned lost = 0;
  unsigned cloned = 0;
  unsigned struck = 0;
};
Losses losses(Scenario const& scenario) {
  unsigned const most = scenario.nodes < 4 ? 0 : std::max(1u, scenario.nodes / 8);
  Random random{mix(scenario.seed) ^ mix(0x1055e5)};
  Losses drawn;
  for (unsigned i = 0; i < most; ++i) {
    double const kind = random.uniform();
    ++(kind < 0.3 ? drawn.cloned : kind < 0.6 ? drawn.struck : drawn.lost);
  }
  return drawn;
}

Duration per_machine(Duration mean, Draw const& draw) {
  return std::chrono::duration_cast<Duration>(mean / draw.machines());
}

void draw_partition(Draw& draw, FaultEvent& event) {
  Random& random = draw.random();
  unsigned const zones = draw.scenario().zones;
  event.lasts = draw.orders(shortest_partition, longest_partition);
  double const shape = random.uniform();
  if (shape < 0.4) {
    event.victims = {draw.victim()};
  } else if (shape < 0.6 && zones > 1) {
    for (auto i = static_cast<unsigned>(random.below(zones)); i < draw.scenario().nodes;) {
      event.victims.push_back(i);
      i += zones;
    }
  } else if (shape < 0.8) {
    for (unsigned i = 0; i < draw.scenario().nodes / 2; ++i) event.victims.push_back(i);
  } else {
    event.victims = draw.some(random.uniform());
  }
  if (random.chance(0.4)) event.cutting = random.chance(0.5) ? Cutting::mute : Cutting::deaf;
  // Firewalls drop datagrams, or streams.
  if (random.chance(0.3)) {
    event.only = random.chance(0.5) ? cluster::Channel::datagram : cluster::Channel::stream;
  }
}

void draw_network(Draw& draw, FaultKind kind) {
  Random& random = draw.random();
  switch (kind) {
    case FaultKind::loss:
      return draw.changing([&](FaultEvent& event) { event.amount = random.uniform() * 0.3; });
    case FaultKind::duplication:
      return draw.whole_time([&](FaultEvent& event) { event.amount = random.uniform() * 0.2; });
    case FaultKind::delay:
      return draw.changing([&](FaultEvent& event) { event.amount = draw.orders(1e-4, 0.1); });
    case FaultKind::corruption:
      return draw.whole_time([&](FaultEvent& event) { event.amount = random.uniform() * 0.01; });
    case FaultKind::partition:
      return draw.overlapping(15s, [&](FaultEvent& event) { draw_partition(draw, event); });
    case FaultKind::clog:
      return draw.every(15s, [&](FaultEvent& event) {
        event.lasts = draw.orders(500ms, 10s);
        event.victims = draw.pair();
        if (random.chance(0.3)) event.victims.resize(1);  // all links of one
      });
    default:
      return;
  }
}

// The first, and the one before this: of each one half of the seeds.
constexpr cluster::ProtocolVersions first_version{.lowest = 1, .current = 1, .highest = 1};
constexpr cluster::ProtocolVersions previous_version{
    .lowest = 1,
    .current = cluster::spoken_versions.highest - 1,
    .highest = cluster::spoken_versions.highest - 1};
// Of a program of the future, as far as others see it.
constexpr cluster::ProtocolVersions newer{.lowest = 1, .current = 4, .highest = 4};

// Half of those that begin with an old version are upgraded, each at some moment; besides, any node
// may come back with any version.
void draw_old_versions(Draw& draw) {
  Random& random = draw.random();
  auto const older = draw.scenario().seed % 2 == 0 ? first_version : previous_version;
  auto const comes_back = [&draw](FaultEvent& event, unsigned place) {
    event.victims = {place};
    event.lasts = draw.orders(200ms, 10s);
  };
  std::vector<unsigned> const old = draw.some(0.5);
  draw.whole_time([&](FaultEvent& event) {
    event.victims = old;
    event.speaks = older;
  });
  for (unsigned const place : old) {
    if (random.chance(0.5)) continue;
    draw.once([&](FaultEvent& event) {
      comes_back(event, place);
      event.speaks = cluster::spoken_versions;
    });
  }
  draw.every(per_machine(100s, draw), [&](FaultEvent& event) {
    comes_back(event, draw.victim());
    bool const is_set_back = random.chance(0.5);
    event.speaks = is_set_back ? older : random.chance(0.5) ? newer : cluster::spoken_versions;
  });
}

void draw_processes(Draw& draw, FaultKind kind) {
  switch (kind) {
    case FaultKind::pause:
      return draw.every(per_machine(50s, draw), [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.lasts = draw.orders(100ms, 30s);
      });
    case FaultKind::slow:
      return draw.every(40s, [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.lasts = draw.orders(5s, 30s);
        event.amount = draw.orders(4, 50);
      });
    case FaultKind::disk_full:
      return draw.every(30s, [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.lasts = draw.orders(5s, 40s);
      });
    case FaultKind::bit_rot:
      return draw.every(15s, [&](FaultEvent& event) { event.victims = {draw.victim()}; });
    case FaultKind::old_version:
      return draw_old_versions(draw);
    case FaultKind::small:
      return draw.whole_time([&](FaultEvent& event) {
        event.victims = draw.some(1);
        event.amount = 0.4 + 0.4 * draw.random().uniform();
      });
    default:
      return;
  }
}

void draw_restarts(Draw& draw, FaultKind kind) {
  auto const goes_down = [&draw](FaultEvent& event) {
    event.lasts = 200ms + draw.exponential(5s);
    event.amount = 0.8 + 0.2 * draw.random().uniform();
  };
  auto const one_goes_down = [&draw, goes_down](FaultEvent& event) {
    event.victims = {draw.victim()};
    goes_down(event);
  };
  switch (kind) {
    case FaultKind::crash:
      return draw.every(per_machine(40s, draw), one_goes_down);
    case FaultKind::mass_restart:
      return draw.every(60s, goes_down);
    case FaultKind::strike:
      return draw.every(15s, [&, struck = losses(draw.scenario()).struck](FaultEvent& event) {
        goes_down(event);
        event.loses_disk = event.number <= struck;
      });
    case FaultKind::lost_disk:
      return draw.every(15s, one_goes_down, losses(draw.scenario()).lost);
    case FaultKind::cloned_disk:
      return draw.every(
          15s,
          [&](FaultEvent& event) {
            event.victims = draw.pair();
            event.lasts = 5s + draw.exponential(10s);
          },
          losses(draw.scenario()).cloned);
    case FaultKind::new_address:
      return draw.every(40s, one_goes_down);
    case FaultKind::swapped_address:
      return draw.every(60s, [&](FaultEvent& event) {
        event.victims = draw.pair();
        goes_down(event);
      });
    default:
      return;
  }
}

void draw_comings_and_goings(Draw& draw, FaultKind kind) {
  Random& random = draw.random();
  switch (kind) {
    case FaultKind::leave:
      return draw.every(30s, [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.lasts = draw.orders(1s, 30s);
      });
    case FaultKind::fence:
      return draw.every(25s, [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.lasts = draw.orders(1s, 40s);
        event.amount = 0.8 + 0.2 * random.uniform();
      });
    case FaultKind::late_join:
      for (unsigned const place : draw.some(random.uniform())) {
        draw.once([&](FaultEvent& event) { event.victims = {place}; });
      }
      return;
    case FaultKind::unhealed:
      // Not of those that all are configured with: somebody who has met nobody yet never would.
      return draw.whole_time([&](FaultEvent& event) {
        event.victims = draw.some(0.4);
        std::erase_if(event.victims, [](unsigned place) { return place < configured_peers; });
      });
    default:
      return;
  }
}

void draw_clocks(Draw& draw, FaultKind kind) {
  switch (kind) {
    case FaultKind::skew:
      for (unsigned i = 0; i < draw.scenario().nodes; ++i) {
        draw.whole_time([&](FaultEvent& event) {
          event.victims = {i};
          event.amount = draw.either_way(draw.orders(0.01, 600));
        });
      }
      return;
    case FaultKind::drift:
      return draw.whole_time([&](FaultEvent& event) {
        event.victims = draw.some(0.7);
        event.amount = 0.01;
      });
    case FaultKind::jump:
      return draw.every(40s, [&](FaultEvent& event) {
        event.victims = {draw.victim()};
        event.amount = draw.either_way(draw.orders(1, 3600));
      });
    default:
      return;
  }
}

std::string text(char const* format, double value) {
  char line[96];
  std::snprintf(line, sizeof line, format, value);
  return line;
}

std::string text_of(Cutting cutting) {
  if (cutting == Cutting::both_ways) return {};
  return cutting == Cutting::mute ? ", heard by nobody" : ", hearing nobody";
}

std::string text_of(std::optional<cluster::Channel> only) {
  if (!only) return {};
  return *only == cluster::Channel::datagram ? ", datagrams only" : ", streams only";
}

std::string amount_of(FaultEvent const& event) {
  switch (event.kind) {
    case FaultKind::loss:
    case FaultKind::duplication:
    case FaultKind::corruption:
      return text(", %.2f %% of datagrams", event.amount * 100);
    case FaultKind::delay:
      return text(", %.2f ms", event.amount * 1000);
    case FaultKind::slow:
      return text(", %.1f times slower", event.amount);
    case FaultKind::skew:
    case FaultKind::jump:
      return text(", %+.2f s", event.amount);
    case FaultKind::drift:
      return text(", up to %.1f %%", event.amount * 100);
    case FaultKind::small:
      return text(", times %.2f", event.amount);
    case FaultKind::partition:
      return text_of(event.cutting) + text_of(event.only);
    case FaultKind::old_version:
      return text(", versions to %.0f", event.speaks.highest);
    case FaultKind::strike:
      return std::string(", after a write") +
             (event.loses_disk ? ", one of its disks is lost" : "");
    default:
      return event.amount > 0 ? text(", %.0f %% of what is not synced is lost", event.amount * 100)
                              : std::string();
  }
}

}  // namespace

std::optional<FaultKind> parse_fault_kind(std::string_view name) {
  auto const found = std::find(fault_names.begin(), fault_names.end(), name);
  if (found == fault_names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - fault_names.begin());
}

std::string id_of(FaultEvent const& event) {
  return std::string(name_of(event.kind)) + std::to_string(event.number);
}

std::string describe(FaultEvent const& event) {
  std::string line =
      id_of(event) + text(" at %.3f s", std::chrono::duration<double>{event.from}.count());
  if (event.lasts > Duration{}) {
    line += text(" for %.3f s", std::chrono::duration<double>{event.lasts}.count());
  }
  if (!event.victims.empty()) line += event.victims.size() == 1 ? ": node" : ": nodes";
  for (unsigned const victim : event.victims) line += " " + std::to_string(victim);
  return line + amount_of(event);
}

FaultKinds draw_kinds(std::uint64_t seed) {
  FaultKinds kinds;
  Random root{mix(seed) ^ mix(0x5a3)};
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    bool const is_small = kind == static_cast<std::size_t>(FaultKind::small);
    kinds[kind] = root.split(kind).chance(is_small ? 0.25 : 0.5);
  }
  if (root.split(fault_kinds).chance(only_weather)) kinds &= weather_kinds();
  return kinds;
}

bool is_mild(Schedule const& schedule, Scenario const& scenario) {
  double const longest =
      std::chrono::duration<double>{profile_of(scenario).probe_timeout}.count() / 10;
  return std::ranges::all_of(schedule.events, [&](FaultEvent const& event) {
    bool const is_delay = event.kind == FaultKind::delay;
    return weather_kinds()[static_cast<std::size_t>(event.kind)] &&
           (!is_delay || event.amount <= longest);
  });
}

bool is_fair(Schedule const& schedule, Scenario const& scenario) {
  return is_mild(schedule, scenario) &&
         std::ranges::none_of(schedule.events, [](FaultEvent const& event) {
           return event.kind == FaultKind::loss && event.amount > fair_loss;
         });
}

Schedule draw_schedule(Scenario const& scenario, FaultKinds kinds) {
  Schedule schedule;
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    if (!kinds[i]) continue;
    auto const kind = static_cast<FaultKind>(i);
    Draw draw{scenario, kind};
    draw_network(draw, kind);
    draw_processes(draw, kind);
    draw_restarts(draw, kind);
    draw_comings_and_goings(draw, kind);
    draw_clocks(draw, kind);
    for (FaultEvent& event : draw.take()) schedule.events.push_back(std::move(event));
  }
  std::sort(schedule.events.begin(), schedule.events.end(), [](auto const& a, auto const& b) {
    return std::tuple{a.from, a.kind, a.number} < std::tuple{b.from, b.kind, b.number};
  });
  return schedule;
}

Schedule only(Schedule const& schedule, std::vector<std::string> const& ids) {
  Schedule kept;
  for (FaultEvent const& event : schedule.events) {
    bool const is_named = std::any_of(ids.begin(), ids.end(), [&](std::string const& id) {
      return id == id_of(event) || id == name_of(event.kind);
    });
    if (is_named) kept.events.push_back(event);
  }
  return kept;
}

}  // namespace chisme::simulation
