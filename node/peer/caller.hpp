#pragma once

#include "cluster/base/identity.hpp"

namespace chisme::node {

class NarrowPaths;

// Who connects to other nodes, and what it knows of the paths there. The latter is used from any
// thread and outlives the loops.
struct Caller {
  NodeId self;
  NarrowPaths& narrow_paths;
};

}  // namespace chisme::node
