#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/time.hpp"
#include "node/log_settings.hpp"

namespace chisme::node {

// LogRepeats keeps what is said again and again from filling the log: of one message of a component
// `shown_max` are shown in a `period`, which begins with the first; how many more there were is
// told once it is over.
//
// Bound: `known_max` messages, of each its first `kept_bytes_max` bytes; for one more the oldest is
// forgotten, and what was left out of it told at once. Who holds it keeps threads apart. Pure.
class LogRepeats {
 public:
  struct Bounds {
    unsigned shown_max = 5;
    Duration period = std::chrono::seconds{10};
    std::size_t known_max = 128;
  };
  static constexpr std::size_t kept_bytes_max = 200;

  LogRepeats() : LogRepeats(Bounds{}) {}
  explicit LogRepeats(Bounds bounds) : bounds_{bounds} {}

  // Whether to show it. Moments never go back.
  [[nodiscard]] bool admit(LogComponent component, LogLevel level, std::string_view message,
                           Instant now);
  struct LeftOut {
    LogComponent component = LogComponent::node;
    LogLevel level = LogLevel::info;
    std::string message;  // "left out 37 more lines of this within 10 s: the disk is full"
  };
  // Those whose period is over by `now`, each once.
  [[nodiscard]] std::vector<LeftOut> ended(Instant now);
  // All, whether or not it is over. Nothing is known then.
  [[nodiscard]] std::vector<LeftOut> all();
  // Of all messages together, since the start.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  struct Known {
    std::size_t hash = 0;
    LogComponent component = LogComponent::node;
    LogLevel level = LogLevel::info;
    std::string beginning;
    Instant since{};
    std::uint64_t said = 0;
  };
  void forget_oldest();

  Bounds bounds_;
  std::deque<Known> known_;  // oldest first
  std::vector<LeftOut> untold_;
  std::uint64_t left_out_ = 0;
};

}  // namespace chisme::node
