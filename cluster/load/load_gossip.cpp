#include "cluster/load/load_gossip.hpp"

#include <algorithm>

#include "cluster/load/balancer.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

constexpr float degraded_capacity = 0.5F;
// A load reaches nearly all when it is told once: so often is it told after the cause is over.
constexpr int periods_after = 3;

bool is_told_soon(LoadRecord const& own) {
  return is_nearly_full(own) || own.health >= unwell_health || own.capacity <= degraded_capacity;
}

Duration short_period(std::size_t members) {
  return std::chrono::seconds{members} / LoadGossip::heard_per_second;
}

Duration long_period(std::size_t members) {
  Duration const grows = short_period(members) * members / LoadGossip::small;
  return std::max(short_period(members), std::min(grows, LoadGossip::longest));
}

}  // namespace

LoadGossip::LoadGossip(Duration pause, Random random, Instant now)
    : pause_(pause),
      random_(random),
      told_(now),
      // Nodes that start together are in the middle of their periods at once.
      variation_(random_.uniform()),
      loud_until_(now) {}

bool LoadGossip::is_due(LoadRecord const& own, std::size_t members, Instant now) {
  if (is_told_soon(own)) loud_until_ = now + periods_after * short_period(members);
  bool const is_loud = now < loud_until_;
  bool const loudly =
      is_loud && (!told_loud_ || now - *told_loud_ >= varied(short_period(members)));
  if (!loudly && now - told_ < varied(long_period(members))) return false;
  told_ = now;
  if (is_loud) told_loud_ = now;
  variation_ = 0.5 + random_.uniform();
  return true;
}

Duration LoadGossip::varied(Duration period) const {
  double const nanoseconds = static_cast<double>(period.count()) * variation_;
  return std::max(pause_, Duration{static_cast<Duration::rep>(nanoseconds)});
}

}  // namespace chisme::cluster
