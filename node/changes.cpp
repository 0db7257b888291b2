#include "node/changes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace chisme::node {
namespace {

constexpr auto changing_keys = std::to_array<std::string_view>(
    {"access", "buffer_bytes", "connections", "connections_per_address", "cors_origin",
     "head_bytes", "head_timeout", "host", "idle_timeout", "limit_loopback", "log_level",
     "prefix_quota", "progress_timeout", "requests_per_second", "slowest", "slowest_window",
     "stop_timeout", "trash", "trusted_proxy"});

}  // namespace

NodeConfig changed_while_running(NodeConfig running, NodeConfig const& wanted) {
  running.access = wanted.access;
  running.cors_origins = wanted.cors_origins;
  running.hosts = wanted.hosts;
  running.log.level = wanted.log.level;
  running.log.of = wanted.log.of;
  running.prefix_quotas = wanted.prefix_quotas;
  running.stop_timeout = wanted.stop_timeout;
  running.trash = wanted.trash;
  auto const staging = running.clients.staging_bytes;
  running.clients = wanted.clients;
  running.clients.staging_bytes = staging;
  return running;
}

bool changes_while_running(std::string_view key) {
  return std::ranges::binary_search(changing_keys, key);
}

}  // namespace chisme::node
