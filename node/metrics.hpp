#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/view.hpp"
#include "node/census.hpp"
#include "node/figures.hpp"
#include "node/load_counters.hpp"
#include "node/peer/peer_counters.hpp"
#include "node/process_figures.hpp"
#include "node/storage/quarantine.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// Where a node's figures are.
struct MetricSources {
  LoadCounters const& counters;
  NodeFigures const& figures;
  PeerCounters const& peers;
  cluster::ClusterView const& view;
  Census::Count const& count;
  Quarantine::Contents quarantine;
  bool fenced = false;
  std::vector<web::PrefixUse> prefix_quotas;
  std::uint64_t refused_by_quota = 0;
  ByteCount used;             // of the quota
  ByteCount room;             // for more objects
  std::size_t transfers = 0;  // copies being fetched
  ProcessFigures::Figures process{};
};

// They in Prometheus' text format (version 0.0.4), in base units. No label has a value that comes
// from outside: no names, no addresses. docs/observe.md has the list.
[[nodiscard]] std::string metrics_text(MetricSources const& sources);

}  // namespace chisme::node
