#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace chisme::node {

// Why a client is sent to another node.
enum class Redirected : std::uint8_t {
  no_copy,  // there is none here
  load,     // others have less to do
  busy,     // it was sent here, where there is too much to do
  page      // it asked for any node
};
inline constexpr std::size_t redirect_reasons = 4;

// What this node counts of its work, since the start. Any thread may add and read.
struct LoadCounters {
  std::atomic<std::uint32_t> in_flight = 0;
  std::atomic<bool> stopping = false;  // the process was told to end
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> own_faults = 0;  // answers that were this node's own fault
  std::atomic<std::uint64_t> bytes_delivered = 0;
  std::atomic<std::uint64_t> uploads = 0;
  std::atomic<std::uint64_t> uploads_failed = 0;
  std::atomic<std::uint64_t> uploads_acknowledged = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  std::array<std::atomic<std::uint64_t>, redirect_reasons> redirects{};  // by Redirected
  std::atomic<std::uint64_t> bytes_to_peers = 0;
  std::atomic<std::uint64_t> bytes_verified = 0;   // read again to compare them with their digests
  std::atomic<std::uint64_t> copies_verified = 0;  // and found intact
  std::atomic<std::uint64_t> copies_corrupt = 0;   // and found changed, cut short or unreadable
  std::atomic<std::uint64_t> copies_removed = 0;   // no longer wanted
};

}  // namespace chisme::node
