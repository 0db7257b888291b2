#include "node/log_repeats.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace chisme::node {

bool LogRepeats::admit(LogComponent component, LogLevel level, std::string_view message,
                       Instant now) {
  while (!known_.empty() && known_.front().since + bounds_.period <= now) forget_oldest();
  std::size_t const hash = std::hash<std::string_view>{}(message);
  auto const known = std::ranges::find_if(known_, [&](Known const& one) {
    return one.hash == hash && one.component == component && one.level == level;
  });
  if (known != known_.end()) {
    bool const shown = ++known->said <= bounds_.shown_max;
    if (!shown) ++left_out_;
    return shown;
  }
  if (known_.size() >= bounds_.known_max) forget_oldest();
  known_.push_back(
      {hash, component, level, std::string{message.substr(0, kept_bytes_max)}, now, 1});
  return true;
}

void LogRepeats::forget_oldest() {
  Known const oldest = std::move(known_.front());
  known_.pop_front();
  if (oldest.said <= bounds_.shown_max) return;
  auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(bounds_.period).count();
  untold_.push_back({oldest.component, oldest.level,
                     "left out " + std::to_string(oldest.said - bounds_.shown_max) +
                         " more lines of this within " + std::to_string(seconds) +
                         " s: " + oldest.beginning});
}

std::vector<LogRepeats::LeftOut> LogRepeats::ended(Instant now) {
  while (!known_.empty() && known_.front().since + bounds_.period <= now) forget_oldest();
  return std::exchange(untold_, {});
}

std::vector<LogRepeats::LeftOut> LogRepeats::all() {
  while (!known_.empty()) forget_oldest();
  return std::exchange(untold_, {});
}

}  // namespace chisme::node
