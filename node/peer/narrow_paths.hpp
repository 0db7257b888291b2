#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"

namespace chisme::node {

// NarrowPaths remembers to which peers long packets get lost while short ones pass, as they do
// where a tunnel takes less than it says and nobody tells (RFC 2923, 2.1). Connections to those are
// opened with segments that fit any path.
//
// A path is forgotten after ten minutes, as Linux forgets what it learned of a path's MTU; it may
// be wide again, or may have been cut altogether. At most `paths_max`; then the oldest goes. Any
// thread.
class NarrowPaths {
 public:
  static constexpr std::size_t paths_max = 1024;
  static constexpr Duration remembered = std::chrono::minutes{10};

  // False when it was known.
  bool add(Endpoint to, Instant now);
  [[nodiscard]] bool contains(Endpoint to, Instant now) const;

 private:
  mutable std::mutex mutex_;
  std::map<Endpoint, Instant> until_;
};

}  // namespace chisme::node
