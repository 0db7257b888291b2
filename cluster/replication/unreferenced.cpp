#include "cluster/replication/unreferenced.hpp"

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {

void Unreferenced::note(Digest const& digest, Instant now) {
  if (planted(PlantedBug::unreferenced_stays)) return;
  if (since_.try_emplace(digest, now).second) oldest_first_.emplace(now, digest);
}

void Unreferenced::renew(Digest const& digest, Instant now) {
  forget(digest);
  note(digest, now);
}

void Unreferenced::forget(Digest const& digest) {
  auto const found = since_.find(digest);
  if (found == since_.end()) return;
  oldest_first_.erase({found->second, digest});
  since_.erase(found);
}

std::optional<Digest> Unreferenced::due(Instant now) const {
  auto const first = deadline();
  if (!first || *first > now) return std::nullopt;
  return oldest_first_.begin()->second;
}

std::optional<Instant> Unreferenced::deadline() const {
  if (oldest_first_.empty()) return std::nullopt;
  return oldest_first_.begin()->first + (full_ ? kept_when_full_ : kept_);
}

}  // namespace chisme::cluster
