#pragma once

#include "cluster/base/identity.hpp"

namespace chisme::node {

class NarrowPaths;
class PeerKeys;

// Who connects to other nodes, what it knows of the paths there, and its keys. The latter two are
// used from any thread and outlive the loops.
struct Caller {
  NodeId self;
  NarrowPaths& narrow_paths;
  PeerKeys const& keys;
};

}  // namespace chisme::node
