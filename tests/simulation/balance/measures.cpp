#include "tests/simulation/balance/measures.hpp"

#include <algorithm>
#include <numeric>

namespace chisme::simulation::balance {
namespace {

// More streams at the end than this many times those that were offered: they pile up.
constexpr double pile = 2;

float percentile_99(std::vector<float> values) {
  if (values.empty()) return 0;
  auto const at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace

void Measures::observe(std::vector<Server> const& servers) {
  double peak = 0;
  double streams = 0;
  double capacity = 0;
  for (Server const& server : servers) {
    peak = std::max(peak, server.load());
    streams += static_cast<double>(server.streams());
    capacity += server.capacity();
  }
  if (streams > 0) peaks_.push_back(static_cast<float>(peak * capacity / streams));
}

void Measures::run_ended(std::vector<Server> const& servers, double offered, double node_seconds) {
  double streams = 0;
  for (Server const& server : servers) streams += static_cast<double>(server.streams());
  stable_ = stable_ && streams <= pile * offered;
  node_seconds_ += node_seconds;
}

Outcome Measures::outcome() const {
  Outcome outcome;
  auto const count = static_cast<double>(std::max<std::size_t>(1, peaks_.size()));
  outcome.peak_mean = std::accumulate(peaks_.begin(), peaks_.end(), 0.0) / count;
  outcome.peak_p99 = static_cast<double>(percentile_99(peaks_));
  outcome.slowdown_p99 = static_cast<double>(percentile_99(slowdowns_));
  outcome.bounced =
      static_cast<double>(bounced_) / static_cast<double>(std::max<std::uint64_t>(1, requests_));
  outcome.probes = node_seconds_ > 0 ? static_cast<double>(probes_) / node_seconds_ : 0;
  outcome.stable = stable_;
  outcome.requests = requests_;
  return outcome;
}

}  // namespace chisme::simulation::balance
