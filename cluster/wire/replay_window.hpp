#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace chisme::cluster {

// ReplayWindow tells which of a sender's numbered packets came before (RFC 4303, 3.4.3). It
// remembers the last `size` numbers; what is older counts as seen. A sender numbers all its
// packets, whoever they go to, so that those to one receiver have gaps: hence more than the
// usual 64.
//
// One thread owns it.
class ReplayWindow {
 public:
  static constexpr std::size_t size = 1024;

  // False: it came before, or is too old to tell. Only packets that are known to be genuine may be
  // added, and then `sequence` counts as seen.
  [[nodiscard]] bool add(std::uint64_t sequence) {
    if (!any_ || sequence > highest_) {
      std::uint64_t const step = any_ ? sequence - highest_ : size;
      seen_ = step < size ? seen_ << step : std::bitset<size>{};
      seen_.set(0);
      highest_ = sequence;
      any_ = true;
      return true;
    }
    std::uint64_t const age = highest_ - sequence;
    if (age >= size || seen_.test(age)) return false;
    seen_.set(age);
    return true;
  }

 private:
  std::bitset<size> seen_;  // by age
  std::uint64_t highest_ = 0;
  bool any_ = false;
};

}  // namespace chisme::cluster
