#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"

namespace chisme::node {

// Quota counts what a data directory's files take, in bytes of their lengths, against a limit, if
// there is one. What is claimed for a file that is still arriving counts at once, so that two that
// do not fit together are not both begun.
//
// It may be over its limit: what was there at the start counts, whatever it is. Thread-safe.
class Quota {
 public:
  // `arriving`: what files that are still arriving may claim together.
  explicit Quota(std::optional<ByteCount> limit, std::optional<ByteCount> arriving = std::nullopt)
      : limit_(limit), arriving_limit_(arriving) {}

  // Faults: no_space when `bytes` and the `besides` that others count do not fit; busy when too
  // much is arriving already. Then nothing is claimed.
  [[nodiscard]] Result<void> claim(ByteCount bytes, ByteCount besides);
  // Gives back what was claimed.
  void give_back(ByteCount bytes);
  // Counts what is there already.
  void add(ByteCount bytes);
  void release(ByteCount bytes);

  [[nodiscard]] ByteCount used() const;
  // What could be claimed; nullopt without a limit.
  [[nodiscard]] std::optional<ByteCount> left(ByteCount besides) const;
  [[nodiscard]] std::optional<ByteCount> limit() const { return limit_; }
  // Used part of the limit, 0..1; 0 without one.
  [[nodiscard]] double used_ratio(ByteCount besides) const;

 private:
  std::optional<ByteCount> limit_;
  mutable std::mutex mutex_;
  std::optional<ByteCount> arriving_limit_;
  std::uint64_t used_ = 0;
  std::uint64_t arriving_ = 0;  // of these, claimed
};

// What one file that is arriving has claimed; given back with this object.
class QuotaClaim {
 public:
  explicit QuotaClaim(std::shared_ptr<Quota> quota) : quota_(std::move(quota)) {}
  ~QuotaClaim() { quota_->give_back(ByteCount{bytes_}); }
  QuotaClaim(QuotaClaim const&) = delete;
  QuotaClaim& operator=(QuotaClaim const&) = delete;

  // Claims what `bytes` in all are more than what it has. Faults: no_space, busy; then it has what
  // it had.
  [[nodiscard]] Result<void> grow(std::uint64_t bytes, ByteCount besides);

 private:
  std::shared_ptr<Quota> quota_;
  std::uint64_t bytes_ = 0;
};

}  // namespace chisme::node
