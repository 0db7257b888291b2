#pragma once

#include "cluster/base/identity.hpp"

namespace chisme::cluster {

// A member of the last run, to be called at the next start.
struct KnownPeer {
  NodeId id;  // nil: only the address is known
  Endpoint at;
  friend constexpr auto operator<=>(KnownPeer const&, KnownPeer const&) = default;
};

}  // namespace chisme::cluster
