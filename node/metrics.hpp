#pragma once

#include <cstdint>
#include <string>

#include "cluster/view.hpp"
#include "node/census.hpp"
#include "node/load_counters.hpp"
#include "node/storage/quarantine.hpp"

namespace chisme::node {

// What is measured elsewhere.
struct OtherFigures {
  std::uint64_t peer_messages_dropped = 0;
  Quarantine::Contents quarantine;
  bool fenced = false;
  ByteCount used;  // of the quota
};

// This node's figures in Prometheus' text format (version 0.0.4), in base units.
[[nodiscard]] std::string metrics_text(LoadCounters const& counters,
                                       cluster::ClusterView const& view, Census::Count const& count,
                                       OtherFigures const& others);

}  // namespace chisme::node
