#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace chisme::simulation::balance {

enum class Shape : std::uint8_t {
  homogeneous,    // all nodes alike
  heterogeneous,  // every fifth node is four times slower; its weight says so
  degraded        // all alike; from the first measured second on, one is silently four times slower
};
inline constexpr std::array shapes{Shape::homogeneous, Shape::heterogeneous, Shape::degraded};

enum class Policy : std::uint8_t {
  random,        // any holder
  round_robin,   // each redirector goes through the holders of each file
  least_loaded,  // what the newest samples say is least loaded
  two_choices,   // the less loaded of two random holders (Mitzenmacher)
  fluid,         // protocol.md to the letter: the expected requests are a fluid
  ours,          // cluster/load as it is
  ideal          // the shortest normalised queue, known perfectly and at once
};
inline constexpr std::array policies{Policy::random,      Policy::round_robin, Policy::least_loaded,
                                     Policy::two_choices, Policy::fluid,       Policy::ours,
                                     Policy::ideal};

[[nodiscard]] char const* to_string(Shape shape);
[[nodiscard]] char const* to_string(Policy policy);

// Constants of the model; docs/balancing.md says how they were chosen. Times are in seconds.
inline constexpr double utilisation = 0.6;       // of all nodes' capacity together
inline constexpr std::size_t copies = 3;         // R
inline constexpr double popularity_power = 0.6;  // Zipf
inline constexpr std::size_t files_per_node = 10;
inline constexpr double node_streams = 24;  // a nominal node's capacity, in streams at full rate
inline constexpr double slow_share = 0.25;
inline constexpr double mean_work = 1.5;        // of a stream at full rate
inline constexpr double redirect_delay = 0.01;  // until the client is at the next node
inline constexpr double probe_delay = 0.002;    // until a probed load is known
inline constexpr double warm_up = 60;           // not measured

// One cell of the table.
struct Setting {
  std::size_t nodes = 20;
  double sample_age = 1;  // seconds
  Shape shape = Shape::homogeneous;
  Policy policy = Policy::ours;
  double seconds = 600;        // measured, over all placements together
  std::size_t placements = 4;  // independent clusters, files placed anew in each
  std::uint64_t seed = 1;
};

}  // namespace chisme::simulation::balance
