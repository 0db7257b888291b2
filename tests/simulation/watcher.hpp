#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/host.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

// Watcher looks at every node now and then for what must never happen: news of a member or a
// version of a name that goes back, a removed name that returns with an old version, members or
// copies that nobody can be.
class Watcher : public Observer {
 public:
  explicit Watcher(Surroundings& around) : around_(around) {}
  void look();

 private:
  // What one process has shown. A new process starts from its disk, which may have lost the end.
  struct Seen {
    std::uint64_t run = 0;
    std::map<NodeId, std::tuple<Epoch, Incarnation>> members;
    std::map<std::string, std::pair<Version, bool>> names;  // bool: it is there now
  };
  void look(Host const& host, Seen& seen);
  void look_at_names(Host const& host, cluster::ClusterView const& view, Seen& seen);

  Surroundings& around_;
  std::map<unsigned, Seen> seen_;
};

// Why the nodes do not all agree, or have not yet what they should have; empty when all is well:
// everybody sees everybody up as alive and nobody else, catalogues are identical and true, each
// file has R copies, nothing waits to be repaired.
[[nodiscard]] std::string disagreement(Surroundings const& around, Workload const& workload);

}  // namespace chisme::simulation
