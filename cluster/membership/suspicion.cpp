#include "cluster/membership/suspicion.hpp"

#include <algorithm>
#include <cmath>

namespace chisme::cluster {

Duration suspicion_timeout(Profile const& profile, std::size_t members, std::size_t confirmations) {
  double const scale =
      std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(members, 1))));
  double const period = static_cast<double>(profile.probe_period.count());
  double const least = profile.suspicion_alpha * scale * period;
  double const most = profile.suspicion_beta * least;
  // The suspect and the first accuser confirm nothing.
  std::size_t const others = members > 2 ? members - 2 : 0;
  std::size_t const wanted = std::min<std::size_t>(profile.suspicion_confirmations, others);
  if (wanted == 0) return Duration{static_cast<Duration::rep>(least)};
  double const share =
      std::log(static_cast<double>(confirmations) + 1) / std::log(static_cast<double>(wanted) + 1);
  return Duration{static_cast<Duration::rep>(std::max(least, most - (most - least) * share))};
}

bool Suspicions::accuse(NodeId suspect, NodeId accuser, std::size_t members, Instant now) {
  auto const [found, is_new] = suspects_.try_emplace(suspect, Suspect{now, members, {}});
  std::set<NodeId>& accusers = found->second.accusers;
  if (accusers.size() >= accusers_max || accusers.size() > profile_.suspicion_confirmations) {
    return false;
  }
  return accusers.insert(accuser).second;
}

Instant Suspicions::end_of(Suspect const& suspect) const {
  std::size_t const confirmations = suspect.accusers.empty() ? 0 : suspect.accusers.size() - 1;
  return suspect.since + suspicion_timeout(profile_, suspect.members, confirmations);
}

std::vector<NodeId> Suspicions::expire(Instant now) {
  std::vector<NodeId> expired;
  for (auto const& [id, suspect] : suspects_) {
    if (end_of(suspect) <= now) expired.push_back(id);
  }
  for (NodeId const id : expired) suspects_.erase(id);
  return expired;
}

void Suspicions::postpone(Duration by) {
  for (auto& [id, suspect] : suspects_) suspect.since += by;
}

std::optional<Instant> Suspicions::deadline() const {
  std::optional<Instant> first;
  for (auto const& [id, suspect] : suspects_) {
    Instant const end = end_of(suspect);
    first = first ? std::min(*first, end) : end;
  }
  return first;
}

}  // namespace chisme::cluster
