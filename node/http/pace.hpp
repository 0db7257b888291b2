#pragma once

#include <cstdint>

#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

namespace chisme::node {

// Pace judges whether a client moves enough bytes while the node waits for it. A look at whom it
// waits for, now and then, is enough: time in which the node itself is slow does not count.
//
// Pure. One thread owns it.
class Pace {
 public:
  struct Limits {
    ByteCount bytes_per_second{256};  // 0: no limit
    Duration window = std::chrono::seconds{60};
  };
  explicit Pace(Limits limits) : limits_(limits) {}

  // A look, `since` after the last one, at a client that was waited for. `moved`: bytes since it
  // came, in the direction that is waited for. Whether it is too slow.
  [[nodiscard]] bool is_too_slow(Duration since, std::uint64_t moved) {
    if (limits_.bytes_per_second.value() == 0) return false;
    if (!running_) {
      running_ = true;
      moved_before_ = moved;
      return false;
    }
    waited_ += since;
    if (waited_ < limits_.window) return false;
    auto const seconds = std::chrono::duration<double>(waited_).count();
    auto const least = static_cast<double>(limits_.bytes_per_second.value()) * seconds;
    bool const slow = static_cast<double>(moved - moved_before_) < least;
    moved_before_ = moved;
    waited_ = {};
    return slow;
  }
  // Another body, or the other direction.
  void restart() {
    running_ = false;
    waited_ = {};
  }

 private:
  Limits limits_;
  bool running_ = false;
  Duration waited_{};
  std::uint64_t moved_before_ = 0;
};

}  // namespace chisme::node
