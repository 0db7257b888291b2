#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/input.hpp"
#include "node/load_counters.hpp"

namespace chisme::node {

class DiskPool;
class ObjectStore;

// LoadProbe measures this node every 100 ms: requests in flight, what it delivers (EWMA 2 s), what
// arrives (EWMA 10 s), its own faults (EWMA 10 s), how late its loops run, how full its disk is.
//
// Runs on the control loop; `on_sample` is called there. Everything given must outlive it.
class LoadProbe {
 public:
  static constexpr Duration period = std::chrono::milliseconds{100};
  // A loop that is later than this has more to do than it can.
  static constexpr Duration saturated_lag = std::chrono::milliseconds{50};

  struct Watched {
    LoadCounters const& counters;
    ObjectStore const& objects;
    DiskPool& disk;
    std::vector<asio::io_context*> loops;  // beside the control loop
  };
  LoadProbe(asio::io_context& control, Watched watched,
            std::function<void(cluster::LoadSampled)> on_sample);
  ~LoadProbe();
  LoadProbe(LoadProbe const&) = delete;
  LoadProbe& operator=(LoadProbe const&) = delete;

  void start();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
