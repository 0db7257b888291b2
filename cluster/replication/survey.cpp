#include "cluster/replication/survey.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/random.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {

std::vector<Digest> Survey::touched(std::set<Digest> digests, Catalogue const& catalogue) {
  std::vector<Digest> gone;
  for (Digest const& digest : digests) {
    if (catalogue.objects().contains(digest) || catalogue.local().contains(digest)) continue;
    touched_.erase(digest);
    gone.push_back(digest);
  }
  for (Digest const& digest : gone) digests.erase(digest);
  touched_.merge(std::move(digests));
  return gone;
}

void Survey::rescan(Instant now) {
  // A rescan under way goes on to its end first: were it begun anew each time, members that come
  // and go would keep it from ever reaching the last objects.
  rescan_again_ = rescan_from_.has_value();
  if (!rescan_from_) rescan_from_ = Digest{};
  next_slice_ = std::min(next_slice_, now);
}

void Survey::watch(Situation const& situation) {
  std::uint64_t hash = 0;
  for (MemberView const& member : situation.members) {
    AliveRecord const& node = member.alive;
    std::uint64_t const bits = std::uint64_t{node.weight} << 16 |
                               std::uint64_t{node.versions.highest} << 8 |
                               static_cast<std::uint64_t>(member.state) << 2 |
                               (node.draining ? 2u : 0u) | (is_nearly_full(member) ? 1u : 0u);
    hash = mix(hash ^ mix(node.id.high) ^ node.id.low);
    hash = mix(hash ^ bits) ^ (node.zone.empty() ? 0 : placement_key(node.zone));
  }
  if (std::exchange(seen_, hash) != hash) rescan(situation.now);
}

std::vector<Digest> Survey::take_due(Catalogue const& catalogue, Instant now) {
  std::vector<Digest> due;
  if (now < next_slice_ || (touched_.empty() && !rescan_from_)) return due;
  next_slice_ = now + pause;
  while (due.size() < slice && !touched_.empty()) {
    due.push_back(touched_.extract(touched_.begin()).value());
  }
  if (!rescan_from_) return due;
  auto next = catalogue.objects().lower_bound(*rescan_from_);
  for (std::size_t i = 0; i < slice && next != catalogue.objects().end(); ++i, ++next) {
    due.push_back(next->first);
  }
  rescan_from_.reset();
  if (next != catalogue.objects().end()) {
    rescan_from_ = next->first;
  } else if (std::exchange(rescan_again_, false)) {
    rescan_from_ = Digest{};
  }
  return due;
}

std::optional<Instant> Survey::deadline() const {
  return touched_.empty() && !rescan_from_ ? std::nullopt : std::optional{next_slice_};
}

}  // namespace chisme::cluster
