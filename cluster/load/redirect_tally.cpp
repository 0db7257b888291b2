#include "cluster/load/redirect_tally.hpp"

#include <algorithm>

namespace chisme::cluster {

void RedirectTally::note(NodeId target, Instant now) {
  std::deque<Instant>& moments = sent_[target];
  moments.push_back(now);
  while (moments.size() > per_node_max || moments.front() < now - kept) moments.pop_front();
  std::erase_if(sent_, [now](auto const& entry) { return entry.second.back() < now - kept; });
}

std::uint32_t RedirectTally::since(NodeId target, Instant moment) const {
  auto const found = sent_.find(target);
  if (found == sent_.end()) return 0;
  auto const first = std::upper_bound(found->second.begin(), found->second.end(), moment);
  return static_cast<std::uint32_t>(found->second.end() - first);
}

}  // namespace chisme::cluster
