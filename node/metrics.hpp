#pragma once

#include <cstdint>
#include <string>

#include "cluster/view.hpp"
#include "node/census.hpp"
#include "node/load_counters.hpp"

namespace chisme::node {

// This node's figures in Prometheus' text format (version 0.0.4), in base units.
[[nodiscard]] std::string metrics_text(LoadCounters const& counters,
                                       cluster::ClusterView const& view, Census::Count const& count,
                                       std::uint64_t peer_messages_dropped);

}  // namespace chisme::node
