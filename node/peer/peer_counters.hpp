#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace chisme::node {

// Why a message between nodes went no further.
enum class PeerDrop : std::uint8_t {
  too_long,  // to be sent, or nobody's
  not_sent,  // the system did not take it
  stranger,  // it comes from nobody of this cluster
  malformed  // it is of this cluster, or may be, and not understood
};
inline constexpr std::size_t peer_drops = 4;

// What a PeerTransport counts. One thread counts, any reads.
struct PeerCounters {
  std::atomic<std::uint64_t> datagrams_sent = 0;
  std::atomic<std::uint64_t> datagrams_received = 0;  // understood
  std::atomic<std::uint64_t> datagram_bytes_sent = 0;
  std::atomic<std::uint64_t> datagram_bytes_received = 0;  // of all that came
  std::atomic<std::uint64_t> stream_messages_received = 0;
  std::array<std::atomic<std::uint64_t>, peer_drops> dropped{};

  void drop(PeerDrop why) { ++dropped[static_cast<std::size_t>(why)]; }
  [[nodiscard]] std::uint64_t all_dropped() const {
    std::uint64_t all = 0;
    for (auto const& of_one_kind : dropped) all += of_one_kind;
    return all;
  }
};

}  // namespace chisme::node
