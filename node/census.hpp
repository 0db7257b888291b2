#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/view.hpp"

namespace chisme::node {

// Census counts copies over the whole catalogue: how many each node holds, and how many files have
// fewer than they should, or none in reach. Counting costs time in proportion to the files, so a
// count is kept until it is ten times as old as it took, and at least `kept`. Thread-safe.
class Census {
 public:
  static constexpr Duration kept = std::chrono::milliseconds{250};
  struct Count {
    std::uint64_t under_replicated = 0;
    std::uint64_t lost = 0;      // of these, those that no live node holds
    std::uint64_t internal = 0;  // files that are the program's own, not the users'
    std::map<NodeId, std::uint64_t> copies;
  };
  [[nodiscard]] std::shared_ptr<Count const> take(cluster::ClusterView const& view, Instant now);

 private:
  std::mutex mutex_;
  std::shared_ptr<Count const> count_;
  std::uint64_t number_ = 0;  // of the view that was counted
  Instant keep_until_{};
};

}  // namespace chisme::node
