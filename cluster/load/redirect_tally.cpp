#include "cluster/load/redirect_tally.hpp"

#include <algorithm>

namespace chisme::cluster {

void RedirectTally::note(NodeId target, Instant now) {
  std::deque<Instant>& moments = sent_[target];
  moments.push_back(now);
  while (moments.size() > per_node_max || moments.front() < now - kept) moments.pop_front();
  sweep(now);
  sweep(now);
}

void RedirectTally::sweep(Instant now) {
  auto next = sent_.upper_bound(swept_);
  if (next == sent_.end()) next = sent_.begin();
  swept_ = next->first;
  if (next->second.back() < now - kept) sent_.erase(next);
}

std::uint32_t RedirectTally::since(NodeId target, Instant moment) const {
  auto const found = sent_.find(target);
  if (found == sent_.end()) return 0;
  auto const first = std::upper_bound(found->second.begin(), found->second.end(), moment);
  return static_cast<std::uint32_t>(found->second.end() - first);
}

}  // namespace chisme::cluster
