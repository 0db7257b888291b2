#include "cluster/config.hpp"

namespace chisme::cluster {

using namespace std::chrono_literals;

Profile loopback_profile() {
  return {.probe_period = 200ms,
          .probe_timeout = 100ms,
          .gossip_period = 100ms,
          .gossip_fanout = 3,
          .suspicion_alpha = 4,
          .suspicion_beta = 6,
          .suspicion_confirmations = 3,
          .push_pull_period = 10s,
          .reconnect_period = 5s};
}

Profile lan_profile() {
  return {.probe_period = 500ms,
          .probe_timeout = 200ms,
          .gossip_period = 200ms,
          .gossip_fanout = 3,
          .suspicion_alpha = 4,
          .suspicion_beta = 6,
          .suspicion_confirmations = 3,
          .push_pull_period = 15s,
          .reconnect_period = 15s};
}

Profile wan_profile() {
  return {.probe_period = 2s,
          .probe_timeout = 1s,
          .gossip_period = 500ms,
          .gossip_fanout = 4,
          .suspicion_alpha = 6,
          .suspicion_beta = 6,
          .suspicion_confirmations = 3,
          .push_pull_period = 60s,
          .reconnect_period = 60s};
}

}  // namespace chisme::cluster
