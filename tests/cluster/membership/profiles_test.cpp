#include <gtest/gtest.h>

#include "cluster/config.hpp"
#include "cluster/membership/peer_calls.hpp"
#include "cluster/membership/suspicion.hpp"

// The numbers that the design names, lest one is changed by the way.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

TEST(Profiles, Loopback) {
  Profile const profile = loopback_profile();
  EXPECT_EQ(profile.probe_period, 200ms);
  EXPECT_EQ(profile.probe_timeout, 100ms);
  EXPECT_EQ(profile.gossip_period, 100ms);
  EXPECT_EQ(profile.gossip_fanout, 3u);
  EXPECT_EQ(profile.suspicion_alpha, 4);
  EXPECT_EQ(profile.suspicion_beta, 6);
  EXPECT_EQ(profile.suspicion_confirmations, 3u);
  EXPECT_EQ(profile.push_pull_period, 10s);
  EXPECT_EQ(profile.reconnect_period, 5s);
}

TEST(Profiles, Lan) {
  Profile const profile = lan_profile();
  EXPECT_EQ(profile.probe_period, 500ms);
  EXPECT_EQ(profile.probe_timeout, 200ms);
  EXPECT_EQ(profile.gossip_period, 200ms);
  EXPECT_EQ(profile.gossip_fanout, 3u);
  EXPECT_EQ(profile.suspicion_alpha, 4);
  EXPECT_EQ(profile.suspicion_beta, 6);
  EXPECT_EQ(profile.suspicion_confirmations, 3u);
  EXPECT_EQ(profile.push_pull_period, 15s);
  EXPECT_EQ(profile.reconnect_period, 15s);
}

TEST(Profiles, Wan) {
  Profile const profile = wan_profile();
  EXPECT_EQ(profile.probe_period, 2s);
  EXPECT_EQ(profile.probe_timeout, 1s);
  EXPECT_EQ(profile.gossip_period, 500ms);
  EXPECT_EQ(profile.gossip_fanout, 4u);
  EXPECT_EQ(profile.suspicion_alpha, 6);
  EXPECT_EQ(profile.suspicion_beta, 6);
  EXPECT_EQ(profile.suspicion_confirmations, 3u);
  EXPECT_EQ(profile.push_pull_period, 60s);
  EXPECT_EQ(profile.reconnect_period, 60s);
}

TEST(Profiles, DefaultsOfACore) {
  CoreConfig const config{};
  EXPECT_EQ(config.copies_wanted, 3u);
  EXPECT_EQ(config.copies_durable, 2u);
  EXPECT_EQ(config.repair_delay, 10min);
  EXPECT_EQ(config.last_copy_repair_delay, 30s);
  EXPECT_EQ(config.transfers_in_max, 2u);
  EXPECT_EQ(config.transfers_out_max, 2u);
  EXPECT_EQ(config.scrub_period, 25 * 24h);
  EXPECT_EQ(config.tombstones_kept, 7 * 24h);
  EXPECT_EQ(config.unreferenced_kept, 24h);
}

// min = alpha * max(1, log10 N) * P, max = beta * min,
// max - (max - min) * ln(C + 1) / ln(K' + 1), K' = min(K, N - 2).
TEST(Profiles, SuspicionOverWideAreas) {
  Profile const profile = wan_profile();
  EXPECT_EQ(suspicion_timeout(profile, 2, 0), 12s) << "nobody is left to confirm";
  EXPECT_EQ(suspicion_timeout(profile, 10, 0), 72s);
  EXPECT_EQ(suspicion_timeout(profile, 10, 3), 12s);
  EXPECT_EQ(suspicion_timeout(profile, 100, 0), 144s);
  EXPECT_EQ(suspicion_timeout(profile, 100, 1), 84s);
  EXPECT_EQ(suspicion_timeout(profile, 100, 3), 24s);
  EXPECT_EQ(suspicion_timeout(profile, 100, 9), 24s) << "never below the least";
  EXPECT_EQ(suspicion_timeout(profile, 3, 1), 12s) << "one can confirm, and has";
  EXPECT_EQ(suspicion_timeout(profile, 1000, 3), 36s);
}

TEST(Profiles, SuspicionInALan) {
  Profile const profile = lan_profile();
  EXPECT_EQ(suspicion_timeout(profile, 5, 0), 12s);
  EXPECT_EQ(suspicion_timeout(profile, 5, 1), 7s);
  EXPECT_EQ(suspicion_timeout(profile, 5, 3), 2s);
}

// x (1 + ceil(log2(N / 32))) above 32.
TEST(Profiles, PushPullInLargeClusters) {
  for (std::size_t const members : {1u, 5u, 32u}) {
    EXPECT_EQ(push_pull_period(lan_profile(), members), 15s) << members;
  }
  EXPECT_EQ(push_pull_period(lan_profile(), 33), 30s);
  EXPECT_EQ(push_pull_period(lan_profile(), 64), 30s);
  EXPECT_EQ(push_pull_period(lan_profile(), 100), 45s);
  EXPECT_EQ(push_pull_period(lan_profile(), 1000), 90s);
}

}  // namespace
}  // namespace chisme::cluster
