#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/view.hpp"
#include "node/storage/disk_pool.hpp"

namespace chisme::node {

// Census counts copies over the whole catalogue: how many each node holds, and how many files have
// fewer than they should, or none in reach. Counting costs time in proportion to the files, so it
// is done on a thread of its own, which neither a loop nor a disk that hangs holds up, one count at
// a time. A count is good as long as nothing changed that it is about, and for four times as long
// as it took, at least `kept`: of 100 000 files it is half a second old at most, of a million some
// seconds.
//
// Thread-safe. The destructor ends what is being counted; nobody may ask then.
class Census {
 public:
  static constexpr Duration kept = std::chrono::milliseconds{250};
  struct Count {
    std::uint64_t under_replicated = 0;
    std::uint64_t lost = 0;      // of these, those that no live node holds
    std::uint64_t internal = 0;  // files that are the program's own, not the users'
    std::map<NodeId, std::uint64_t> copies;
  };
  using View = std::shared_ptr<cluster::ClusterView const>;

  // What was counted last; before that, no files.
  [[nodiscard]] std::shared_ptr<Count const> latest() const;
  // Calls `done` when `latest` is a good count of what `view()` gives: from within the call, or on
  // the census's thread after a count.
  void take(std::function<View()> view, Instant now, std::function<void()> done);

 private:
  [[nodiscard]] bool is_good(cluster::ClusterView const& view, Instant now) const;
  void count(View const& view);

  mutable std::mutex mutex_;
  std::shared_ptr<Count const> count_ = std::make_shared<Count const>();
  View counted_;  // null: nothing yet
  Instant good_until_{};
  bool counting_ = false;
  std::vector<std::function<void()>> waiting_;  // for the count that is under way
  DiskPool thread_{1};
};

[[nodiscard]] Census::Count count_copies(cluster::ClusterView const& view);

}  // namespace chisme::node
