#include "node/peer/narrow_paths.hpp"

#include <algorithm>

namespace chisme::node {

bool NarrowPaths::add(Endpoint to, Instant now) {
  std::lock_guard const lock{mutex_};
  std::erase_if(until_, [&](auto const& path) { return path.second <= now; });
  auto const [path, is_new] = until_.insert_or_assign(to, now + remembered);
  if (until_.size() > paths_max) {
    until_.erase(
        std::ranges::min_element(until_, {}, [](auto const& known) { return known.second; }));
  }
  return is_new;
}

bool NarrowPaths::contains(Endpoint to, Instant now) const {
  std::lock_guard const lock{mutex_};
  auto const path = until_.find(to);
  return path != until_.end() && now < path->second;
}

}  // namespace chisme::node
