#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace chisme::node {

// Who may go how far when the process runs out of file descriptors. The system gives the lowest
// number that is free (POSIX.1-2017, 2.14), so a new descriptor's number says how many are open at
// least: one at or above its kind's limit is closed again and its client told to come back. Idle
// clients leave room for files, files for pushes to other nodes, and all of them a sixteenth for
// what the node does for itself.
struct DescriptorLimits {
  int clients = std::numeric_limits<int>::max();  // connections
  int files = std::numeric_limits<int>::max();    // objects that are read or written
};

// `all` is how many descriptors the process may have open (RLIMIT_NOFILE).
[[nodiscard]] constexpr DescriptorLimits descriptor_limits(std::uint64_t all) {
  std::uint64_t const used = std::min<std::uint64_t>(all, std::numeric_limits<int>::max());
  return {static_cast<int>(used * 11 / 16), static_cast<int>(used * 13 / 16)};
}

}  // namespace chisme::node
