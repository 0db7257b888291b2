#include "node/storage/quota.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "cluster/base/check.hpp"

namespace chisme::node {

namespace {

// No disk has so much, and the sum of all claims stays a number: sizes come from other nodes too.
constexpr std::uint64_t claimed_max = std::uint64_t{1} << 62;

}  // namespace

Result<void> Quota::claim(ByteCount bytes, ByteCount besides) {
  std::lock_guard const lock(mutex_);
  if (bytes.value() > claimed_max || used_ > claimed_max) {
    return fail(Fault::no_space,
                "there is no room for " + std::to_string(bytes.value()) + " more bytes", ENOSPC);
  }
  if (limit_) {
    // In steps that cannot overflow.
    std::uint64_t const limit = limit_->value();
    std::uint64_t const others = std::min(limit, besides.value());
    std::uint64_t const taken = std::min(limit - others, used_);
    if (bytes.value() > limit - others - taken) {
      return fail(Fault::no_space,
                  "this node's quota of " + std::to_string(limit) + " bytes has no room for " +
                      std::to_string(bytes.value()) + " more",
                  ENOSPC);
    }
  }
  if (arriving_limit_ &&
      bytes > *arriving_limit_ - std::min(*arriving_limit_, ByteCount{arriving_})) {
    return fail(Fault::busy, "files of " + std::to_string(arriving_limit_->value()) +
                                 " bytes together may arrive at this node at a time, and " +
                                 std::to_string(arriving_) + " are on their way already");
  }
  used_ += bytes.value();
  arriving_ += bytes.value();
  return {};
}

void Quota::give_back(ByteCount bytes) {
  release(bytes);
  std::lock_guard const lock(mutex_);
  CHECK(bytes.value() <= arriving_);
  arriving_ -= bytes.value();
}

void Quota::add(ByteCount bytes) {
  std::lock_guard const lock(mutex_);
  used_ += bytes.value();
}

void Quota::release(ByteCount bytes) {
  std::lock_guard const lock(mutex_);
  CHECK(bytes.value() <= used_);
  used_ -= bytes.value();
}

ByteCount Quota::used() const {
  std::lock_guard const lock(mutex_);
  return ByteCount{used_};
}

std::optional<ByteCount> Quota::left(ByteCount besides) const {
  if (!limit_) return std::nullopt;
  std::uint64_t left = limit_->value();
  left -= std::min(left, besides.value());
  left -= std::min(left, used().value());
  return ByteCount{left};
}

double Quota::used_ratio(ByteCount besides) const {
  if (!limit_) return 0;
  auto const taken = static_cast<double>(used().value()) + static_cast<double>(besides.value());
  return std::min(1.0, taken / static_cast<double>(limit_->value()));
}

Result<void> QuotaClaim::grow(std::uint64_t bytes, ByteCount besides) {
  if (bytes <= bytes_) return {};
  auto claimed = quota_->claim(ByteCount{bytes - bytes_}, besides);
  if (claimed) bytes_ = bytes;
  return claimed;
}

}  // namespace chisme::node
