#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "cluster/view.hpp"
#include "node/config.hpp"
#include "node/storage/disk_pool.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// PrefixQuotas holds what the files under some beginnings of names may have together, over the
// whole cluster. What they have is the sum of their sizes in a snapshot of the catalogue, which is
// added up on a thread of its own; what this node acknowledged since, less what it removed; and
// what is arriving here. What others acknowledge counts once this node has heard of it and has
// counted again: so those who write at several nodes at the same time may pass a quota by what
// they have under way.
//
// A count is good while no file changed, and for four times as long as it took, at least `kept`.
// Thread-safe. The destructor ends what is being counted; nobody may ask then, but claims may end.
class PrefixQuotas {
 public:
  static constexpr Duration kept = std::chrono::milliseconds{250};
  using View = std::shared_ptr<cluster::ClusterView const>;

  // A file that is to be written.
  struct Wish {
    std::string name;
    ByteCount size;                // as far as it is known
    ByteCount before = {};         // bytes of it that are there already, as parts
    std::string instead_of = {};   // a file that goes then; empty: none does
    bool is_acknowledged = false;  // it is owed: no quota refuses it any more
  };
  struct Table;
  // What one file that is arriving takes of the quotas that it is under; given back with this
  // object. Thread-safe.
  class Claim {
   public:
    Claim(std::shared_ptr<Table> table, Wish wish, cluster::ClusterView const& view);
    ~Claim();
    Claim(Claim const&) = delete;
    Claim& operator=(Claim const&) = delete;

    // So many bytes of it came. Fault: no_space, with a sentence; then it claims what it did.
    [[nodiscard]] Result<void> grow(ByteCount received);
    // It was acknowledged: from now on it counts as a file. REQUIRES: once at most.
    void stored(ByteCount size);

   private:
    friend class PrefixQuotas;
    [[nodiscard]] Result<void> take(ByteCount size);

    std::shared_ptr<Table> const table_;
    Wish wish_;
    std::uint64_t under_ = 0;     // a bit for each quota that it is under
    std::uint64_t replaced_ = 0;  // bytes of the files whose place it takes; they may be under
    std::uint64_t freed_ = 0;     // others: `freed_under_`
    std::uint64_t freed_under_ = 0;
    ByteCount size_;
    bool is_stored_ = false;
  };

  // `newest` gives the newest view, on any thread.
  PrefixQuotas(std::vector<PrefixQuota> quotas, std::function<View()> newest);
  // Other quotas from now on. What is arriving counts for them when it is acknowledged and counted.
  void change(std::vector<PrefixQuota> quotas);

  // Whether a file of this name is under any. The program's own are not.
  [[nodiscard]] bool concern(std::string_view name) const;
  // Calls `done` when there is a good count: from within the call, or on a thread of its own.
  void count(Instant now, std::function<void()> done);
  // By what was counted last. Fault: no_space, with a sentence that says which quota, how much it
  // is and what of it is used.
  [[nodiscard]] Result<std::shared_ptr<Claim>> claim(Wish wish);
  // This node acknowledged that a file of that size is gone.
  void removed(std::string_view name, ByteCount size);

  // As it was counted last, with what is arriving here.
  [[nodiscard]] std::vector<web::PrefixUse> uses() const;
  [[nodiscard]] std::uint64_t refused() const;

 private:
  [[nodiscard]] std::shared_ptr<Table> table() const;

  mutable std::mutex mutex_;  // of the pointer
  std::shared_ptr<Table> table_;
  std::function<View()> newest_;
  std::shared_ptr<std::atomic<std::uint64_t>> refused_;
  DiskPool thread_{1};
};

}  // namespace chisme::node
