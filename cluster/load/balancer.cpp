#include "cluster/load/balancer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>

namespace chisme::cluster {
namespace {

constexpr double capacity_min = 0.05;
constexpr double exploration = 0.02;
// An expectation of more requests than this is poured in larger portions.
constexpr double portions_max = 1000;
constexpr Duration slow_start = std::chrono::seconds{30};
constexpr double slow_start_share_min = 0.1;
// How far a sample may be off by the requests that came since: this many standard deviations of a
// Poisson number of them. It counts against a node, so that few are sent to a small one by mistake.
constexpr double doubt = 4;
// A bounce must pay. A node that knows when it is full sends on what it can not serve as well as
// another; one that does not know yet takes the other to be better by a factor and one request.
constexpr double full_share = 0.97;
constexpr double bounce_factor = 1.25;

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

double load_of(Candidate const& candidate) {
  return (candidate.in_flight + 1) / candidate.capacity;
}

// What may have come since the sample, beside what was expected.
double margin(Candidate const& candidate) {
  return doubt * std::sqrt(candidate.arrival_rate * seconds(candidate.age));
}

enum class Fitness { fit, ejected, weak, draining, unfit };

Fitness fitness(MemberView const& member) {
  if (member.state == MemberState::dead || member.state == MemberState::left) return Fitness::unfit;
  if (member.alive.draining) return Fitness::draining;
  if (member.state == MemberState::suspect) return Fitness::weak;
  if (member.load && member.load->health >= unwell_health) return Fitness::weak;
  return member.ejected ? Fitness::ejected : Fitness::fit;
}

// A node that has just come grows into its share, so that a cold cache is not stampeded.
double slow_start_share(MemberView const& member, Instant now) {
  double const share = seconds(now - member.alive_since) / seconds(slow_start);
  return std::clamp(share, slow_start_share_min, 1.0);
}

Candidate candidate_of(MemberView const& member, Instant now, RedirectTally const& redirects) {
  LoadRecord const load = member.load.value_or(LoadRecord{});
  Duration const age_when_received = std::chrono::milliseconds{load.age_ms};
  Duration const age = std::max(Duration{}, now - member.sampled) + age_when_received;
  double const working = 1 - std::clamp(static_cast<double>(load.error_ratio), 0.0, 1.0);
  double const capacity = static_cast<double>(load.capacity) * working;
  double const sent = redirects.since(member.alive.id, member.sampled - age_when_received);
  bool const fresh = member.self || !member.load;
  return Candidate{.node = member.alive.id,
                   .capacity = std::max(capacity_min, capacity * slow_start_share(member, now)),
                   .in_flight = load.in_flight + sent,
                   .arrival_rate = std::max(0.0, static_cast<double>(load.arrival_rate)),
                   .age = fresh ? Duration{} : age,
                   .full_at = member.full_at,
                   .self = member.self};
}

// The lowest tier of fitness that has anybody.
std::vector<MemberView const*> fittest(ClusterView const& view, std::span<NodeId const> holders) {
  std::vector<MemberView const*> fit, ejected, weak, draining;
  for (NodeId const holder : holders) {
    MemberView const* const member = find_member(view.members, holder);
    if (member == nullptr) continue;
    switch (fitness(*member)) {
      case Fitness::fit:
        fit.push_back(member);
        break;
      case Fitness::ejected:
        ejected.push_back(member);
        break;
      case Fitness::weak:
        weak.push_back(member);
        break;
      case Fitness::draining:
        draining.push_back(member);
        break;
      case Fitness::unfit:
        break;
    }
  }
  std::size_t const ejected_max = (fit.size() + ejected.size()) / 2;
  while (ejected.size() > ejected_max) {
    fit.push_back(ejected.back());
    ejected.pop_back();
  }
  if (!fit.empty()) return fit;
  weak.insert(weak.end(), ejected.begin(), ejected.end());
  return weak.empty() ? draining : weak;
}

double expected_arrivals(std::span<Candidate const> candidates) {
  double volume = 1;
  for (Candidate const& candidate : candidates) {
    volume += candidate.arrival_rate * seconds(candidate.age);
  }
  return volume;
}

// Whether it pays to send a request on from `self`, to `other`.
bool is_better(Candidate const& other, Candidate const& self) {
  if (self.full_at <= 0) {
    return load_of(self) > bounce_factor * load_of(other) + 1 / self.capacity;
  }
  return self.in_flight + 1 > full_share * self.full_at && load_of(self) > load_of(other);
}

// How much of `volume` each candidate takes: request after request goes where (x + 1) / w is least,
// x being raised by the doubt about an old sample. Whole requests, not a fluid: an idle node of a
// quarter the capacity should not get the next request while an idle whole one is there.
std::vector<double> pour(std::span<Candidate const> candidates, double volume) {
  struct Vessel {
    double level = 0;  // what its load becomes with the next request
    std::size_t candidate = 0;
  };
  auto const higher = [](Vessel const& a, Vessel const& b) {
    return std::tie(a.level, a.candidate) > std::tie(b.level, b.candidate);
  };
  std::vector<Vessel> heap;  // the lowest on top
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    heap.push_back({load_of(candidates[i]) + margin(candidates[i]) / candidates[i].capacity, i});
  }
  std::ranges::make_heap(heap, higher);
  std::vector<double> poured(candidates.size());
  double const portion = std::max(1.0, volume / portions_max);
  for (double left = volume; left > 0; left -= portion) {
    std::ranges::pop_heap(heap, higher);
    Vessel& lowest = heap.back();
    double const taken = std::min(portion, left);
    poured[lowest.candidate] += taken;
    lowest.level += taken / candidates[lowest.candidate].capacity;
    std::ranges::push_heap(heap, higher);
  }
  return poured;
}

}  // namespace

std::vector<Candidate> candidates(ClusterView const& view, std::span<NodeId const> holders,
                                  Instant now, RedirectTally const& redirects) {
  std::vector<MemberView const*> const members = fittest(view, holders);
  std::uint32_t heaviest = 1;
  for (MemberView const* member : members) heaviest = std::max(heaviest, member->alive.weight);
  std::vector<Candidate> result;
  result.reserve(members.size());
  for (MemberView const* member : members) {
    Candidate candidate = candidate_of(*member, now, redirects);
    double const share = std::max(1u, member->alive.weight) / static_cast<double>(heaviest);
    candidate.capacity = std::max(capacity_min, candidate.capacity * share);
    result.push_back(candidate);
  }
  return result;
}

std::optional<NodeId> choose(std::span<Candidate const> candidates, Random& random) {
  if (candidates.empty()) return std::nullopt;
  if (random.chance(exploration)) return candidates[random.below(candidates.size())].node;
  double const volume = expected_arrivals(candidates);
  std::vector<double> const poured = pour(candidates, volume);
  double draw = random.uniform() * volume;
  NodeId chosen = candidates.front().node;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (poured[i] <= 0) continue;
    chosen = candidates[i].node;  // so that rounding never chooses a node that took nothing
    draw -= poured[i];
    if (draw < 0) break;
  }
  return chosen;
}

std::vector<Ranked> rank(std::span<Candidate const> candidates, Random& random) {
  std::vector<Ranked> ranked;
  ranked.reserve(candidates.size());
  for (Candidate const& candidate : candidates) {
    ranked.push_back({candidate.node, load_of(candidate)});
    std::swap(ranked.back(), ranked[random.below(ranked.size())]);
  }
  std::sort(ranked.begin(), ranked.end(),
            [](Ranked const& a, Ranked const& b) { return a.load < b.load; });
  return ranked;
}

std::optional<NodeId> bounce(std::span<Candidate const> candidates) {
  Candidate const* self = nullptr;
  Candidate const* best_other = nullptr;
  for (Candidate const& candidate : candidates) {
    if (candidate.self) {
      self = &candidate;
    } else if (best_other == nullptr || load_of(candidate) < load_of(*best_other)) {
      best_other = &candidate;
    }
  }
  if (self == nullptr || best_other == nullptr) return std::nullopt;
  if (!is_better(*best_other, *self)) return std::nullopt;
  return best_other->node;
}

}  // namespace chisme::cluster
