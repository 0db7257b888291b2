#pragma once

#include <cstdint>
#include <optional>

namespace chisme::node {

// Which way bytes go that a connection waits for.
enum class Moving {
  nowhere,  // nothing is waited for, or the next request
  in,       // a body
  out,      // an answer
};

// Bytes of a TCP connection that have come in, or that the peer's system has taken, since it was
// made (TCP_INFO, RFC 4898). What lies in this system's buffers has not gone anywhere yet. nullopt
// for what is no TCP socket, and for Moving::nowhere.
[[nodiscard]] std::optional<std::uint64_t> moved_bytes(int socket, Moving way);

}  // namespace chisme::node
