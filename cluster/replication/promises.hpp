#pragma once

#include <algorithm>
#include <cstddef>
#include <map>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Promises remembers which copies this node has said it will keep, and until when. At most
// `max` (Limits::promises) at a time; with more asked for, no promise is made. Forgotten by a
// restart: who promised something and restarts removes nothing before it must be over
// (Outages::is_calm).
//
// Pure; one thread owns it.
class Promises {
 public:
  explicit Promises(std::size_t max) : max_(max) {}

  // False, and nothing is promised, when there are too many.
  bool make(Digest const& digest, Instant until, Instant now) {
    std::erase_if(until_, [&](auto const& promise) { return promise.second <= now; });
    if (until_.size() >= max_ && !until_.contains(digest)) return false;
    Instant& kept = until_[digest];
    kept = std::max(kept, until);
    return true;
  }
  [[nodiscard]] bool binds(Digest const& digest, Instant now) const {
    auto const found = until_.find(digest);
    return found != until_.end() && found->second > now;
  }
  void add_sizes(TableSizes& out) const { out.push_back({"promises", until_.size(), max_}); }

 private:
  std::size_t max_;
  std::map<Digest, Instant> until_;
};

}  // namespace chisme::cluster
