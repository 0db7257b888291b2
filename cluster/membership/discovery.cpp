#include "cluster/membership/discovery.hpp"

#include <algorithm>
#include <utility>

#include "cluster/membership/peer_calls.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration first_look_after = std::chrono::milliseconds{500};

Duration nearly(Duration period, Random& random) {
  double const factor = 0.9 + 0.2 * random.uniform();
  return Duration{static_cast<Duration::rep>(static_cast<double>(period.count()) * factor)};
}

}  // namespace

// Nodes that start together do not all speak at once.
Discovery::Discovery(Announcement self, Random random, Instant now)
    : self_{std::move(self)},
      random_{random},
      next_look_{now + nearly(first_look_after, random_)},
      second_began_{now} {}

bool Discovery::is_due(std::size_t others, Instant now) {
  next_look_ = now + nearly(period_alone, random_);
  // The last look before a period is over counts as its end.
  Duration const pause = others == 0 ? Duration{} : period_in_company - period_alone / 2;
  if (announced_ && now - *announced_ < pause) return false;
  announced_ = now;
  return true;
}

bool Discovery::may_look(Instant now) {
  if (now - second_began_ >= std::chrono::seconds{1}) {
    second_began_ = now;
    looked_ = 0;
  }
  return ++looked_ <= heard_max;
}

Discovery::Verdict Discovery::hear(Announcement const& heard, Sight const& sight, Instant now) {
  if (heard.node == self_.node) return Verdict::known;
  if (sight.lives_in && *sight.lives_in >= heard.epoch) return Verdict::known;
  if (heard.peer.port == 0 || is_loopback(heard.peer) != is_loopback(self_.peer)) {
    return Verdict::out_of_reach;
  }
  if (!work_together(heard.versions, self_.versions)) {
    return pause(heard.node, refused_pause, now) ? Verdict::other_version : Verdict::later;
  }
  std::size_t const live = sight.others + 1;
  std::size_t const wanted = PeerCalls::callers_wanted;
  if (random_.below(std::max(live, wanted)) >= wanted) return Verdict::later;
  return pause(heard.node, join_pause, now) ? Verdict::join : Verdict::later;
}

// False: it is paused already, or there is no room to remember it.
bool Discovery::pause(NodeId node, Duration duration, Instant now) {
  std::erase_if(pauses_, [&](auto const& each) { return each.second <= now; });
  if (pauses_.size() >= joining_max) return false;
  return pauses_.emplace(node, now + duration).second;
}

}  // namespace chisme::cluster
