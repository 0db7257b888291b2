#include "cluster/membership/suspicion.hpp"

#include <algorithm>
#include <cmath>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {

Duration suspicion_timeout(Profile const& profile, std::size_t members, std::size_t confirmations) {
  if (planted(PlantedBug::suspicion_gives_no_time)) return {};
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
  auto const [found, is_new] = suspects_.try_emplace(suspect, Suspect{now, members, {}, {}});
  Suspect& entry = found->second;
  if (!is_new && (entry.accusers.size() >= accusers_max ||
                  entry.accusers.size() > profile_.suspicion_confirmations)) {
    return false;
  }
  if (!entry.accusers.insert(accuser).second) return false;
  if (!is_new) ends_.erase({entry.end, suspect});
  entry.end = end_of(entry);
  ends_.emplace(entry.end, suspect);
  return true;
}

void Suspicions::clear(NodeId suspect) {
  auto const found = suspects_.find(suspect);
  if (found == suspects_.end()) return;
  ends_.erase({found->second.end, suspect});
  suspects_.erase(found);
}

Instant Suspicions::end_of(Suspect const& suspect) const {
  std::size_t const confirmations = suspect.accusers.empty() ? 0 : suspect.accusers.size() - 1;
  return suspect.since + suspicion_timeout(profile_, suspect.members, confirmations);
}

std::vector<NodeId> Suspicions::expire(Instant now) {
  std::vector<NodeId> expired;
  while (!ends_.empty() && ends_.begin()->first <= now) {
    expired.push_back(ends_.begin()->second);
    suspects_.erase(ends_.begin()->second);
    ends_.erase(ends_.begin());
  }
  return expired;
}

void Suspicions::postpone(Duration by, Instant now) {
  ends_.clear();
  for (auto& [id, suspect] : suspects_) {
    suspect.since = std::min(suspect.since + by, now);
    suspect.end = end_of(suspect);
    ends_.emplace(suspect.end, id);
  }
}

std::optional<Instant> Suspicions::deadline() const {
  return ends_.empty() ? std::nullopt : std::optional{ends_.begin()->first};
}

}  // namespace chisme::cluster
