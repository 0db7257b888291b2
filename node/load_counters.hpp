#pragma once

#include <atomic>
#include <cstdint>

namespace chisme::node {

// What the web loops count of their work, since the start. Any thread may add and read.
struct LoadCounters {
  std::atomic<std::uint32_t> in_flight = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> own_faults = 0;  // answers that were this node's own fault
  std::atomic<std::uint64_t> bytes_delivered = 0;
  std::atomic<std::uint64_t> uploads = 0;
  std::atomic<std::uint64_t> uploads_failed = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  std::atomic<std::uint64_t> redirects = 0;
  std::atomic<std::uint64_t> bytes_to_peers = 0;
};

}  // namespace chisme::node
