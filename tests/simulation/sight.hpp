#pragma once

#include <string>
#include <vector>

#include "cluster/view.hpp"
#include "tests/simulation/host.hpp"

namespace chisme::simulation {

// What one host that is up shows at one moment. Valid until anything happens.
struct Sight {
  Host const* host;
  cluster::ClusterView view;
};

[[nodiscard]] inline std::vector<Sight> sights_of(Surroundings const& around) {
  std::vector<Sight> sights;
  for (auto const& host : around.hosts) {
    if (host->is_up()) sights.push_back({host.get(), host->view()});
  }
  return sights;
}

[[nodiscard]] inline std::string name_of(Host const& host) {
  return "node " + std::to_string(host.index());
}

// Its disk has the object, with the right bytes.
[[nodiscard]] inline bool has_whole_copy(Host const& host, Digest const& digest) {
  return host.disk().is_intact(digest);
}

}  // namespace chisme::simulation
