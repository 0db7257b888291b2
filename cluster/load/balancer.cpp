#include "cluster/load/balancer.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace chisme::cluster {
namespace {

constexpr std::uint8_t unwell_health = 4;
constexpr double capacity_min = 0.05;
constexpr double exploration = 0.02;
// An expectation of more requests than this is poured in larger portions.
constexpr double portions_max = 1000;
constexpr Duration slow_start = std::chrono::seconds{30};
constexpr double slow_start_share_min = 0.1;
// A bounce must pay: the best other is better by this factor and by one request, and this node is
// not nearly idle.
constexpr double bounce_factor = 1.25;
constexpr double bounce_load_min = 0.8;

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

double load_of(Candidate const& candidate) {
  return (candidate.in_flight + 1) / candidate.capacity;
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
                   .self = member.self};
}

MemberView const* find_member(ClusterView const& view, NodeId node) {
  auto const found =
      std::lower_bound(view.members.begin(), view.members.end(), node,
                       [](MemberView const& member, NodeId id) { return member.alive.id < id; });
  return found != view.members.end() && found->alive.id == node ? &*found : nullptr;
}

// The lowest tier of fitness that has anybody.
std::vector<MemberView const*> fittest(ClusterView const& view, std::span<NodeId const> holders) {
  std::vector<MemberView const*> fit, ejected, weak, draining;
  for (NodeId const holder : holders) {
    MemberView const* const member = find_member(view, holder);
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

// How much of `volume` each candidate takes: request after request goes where (x + 1) / w is least.
// Whole requests, not a fluid: an idle node of a quarter the capacity should not get the next
// request while an idle whole one is there.
std::vector<double> pour(std::span<Candidate const> candidates, double volume) {
  std::vector<double> poured(candidates.size());
  double const portion = std::max(1.0, volume / portions_max);
  for (double left = volume; left > 0; left -= portion) {
    std::size_t lowest = 0;
    double level = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Candidate const& c = candidates[i];
      double const filled = (c.in_flight + poured[i] + 1) / c.capacity;
      if (filled >= level) continue;
      lowest = i;
      level = filled;
    }
    poured[lowest] += std::min(portion, left);
  }
  return poured;
}

}  // namespace

std::vector<Candidate> candidates(ClusterView const& view, std::span<NodeId const> holders,
                                  Instant now, RedirectTally const& redirects) {
  std::vector<Candidate> result;
  for (MemberView const* member : fittest(view, holders)) {
    result.push_back(candidate_of(*member, now, redirects));
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
  double const threshold = bounce_factor * load_of(*best_other) + 1 / self->capacity;
  bool const pays = load_of(*self) > threshold && load_of(*self) > bounce_load_min;
  return pays ? std::optional{best_other->node} : std::nullopt;
}

}  // namespace chisme::cluster
