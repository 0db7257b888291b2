#pragma once

#include <cstdint>

namespace chisme::node {

// Part of an object on its way to a socket.
struct SendingObject {
  int descriptor = -1;
  std::int64_t offset = 0;
  std::uint64_t left = 0;
};
enum class Sent {
  all,    // nothing is left
  some,   // the turn's bytes went out; there is more
  full,   // the socket takes no more now
  failed  // the connection or the file is broken (or the file is shorter than it was)
};

// Sends bytes of `object` by sendfile(2) to the non-blocking `socket`, at most about 2 MiB in one
// turn so that other connections of the loop have theirs. Advances `object`.
[[nodiscard]] Sent send_object_bytes(int socket, SendingObject& object);

}  // namespace chisme::node
