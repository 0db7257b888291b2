#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/simulation/balance/server.hpp"

namespace chisme::simulation::balance {

// What one cell of the table says.
struct Outcome {
  double peak_mean = 0;     // the busiest node's normalised load over the mean, mean over time
  double peak_p99 = 0;      // its 99th percentile over time
  double slowdown_p99 = 0;  // time of a stream over its time alone on a nominal node
  double bounced = 0;       // share of all requests that were redirected a second time
  double probes = 0;        // per node and second
  bool stable = true;       // the number of streams did not grow without end
  std::uint64_t requests = 0;
  friend bool operator==(Outcome const&, Outcome const&) = default;
};

// Measures collects what happens in the measured part of several runs.
class Measures {
 public:
  void request() { ++requests_; }
  void bounce() { ++bounced_; }
  void probed(std::size_t count) { probes_ += count; }
  void ended(double slowdown) { slowdowns_.push_back(static_cast<float>(slowdown)); }
  void observe(std::vector<Server> const& servers);
  // A run of `node_seconds` is over; `offered` streams would run if no node were ever saturated.
  void run_ended(std::vector<Server> const& servers, double offered, double node_seconds);

  [[nodiscard]] Outcome outcome() const;

 private:
  std::uint64_t requests_ = 0;
  std::uint64_t bounced_ = 0;
  std::uint64_t probes_ = 0;
  double node_seconds_ = 0;
  bool stable_ = true;
  std::vector<float> slowdowns_;
  std::vector<float> peaks_;
};

}  // namespace chisme::simulation::balance
