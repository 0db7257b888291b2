#include "cluster/membership/peer_calls.hpp"

#include <set>
#include <utility>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

// A mistake to be planted: what the process did before shows.
double process_jitter() {
  static double grows = 1;
  return grows *= 1.001;
}

Duration jittered(Duration period, Random& random) {
  double factor = 0.9 + 0.2 * random.uniform();
  if (planted(PlantedBug::jitter_depends_on_the_process)) factor *= process_jitter();
  return Duration{static_cast<Duration::rep>(static_cast<double>(period.count()) * factor)};
}

}  // namespace

Duration push_pull_period(Profile const& profile, std::size_t members) {
  int factor = 1;
  for (std::size_t reach = 32; reach < members; reach *= 2) ++factor;
  return profile.push_pull_period * factor;
}

PeerCalls::PeerCalls(Profile const& profile, NodeId self, Endpoint own,
                     std::vector<Endpoint> const& seeds, Random random, Instant now)
    : profile_(profile),
      self_(self),
      random_(random),
      lonely_period_(profile.probe_period),
      next_push_pull_(now + jittered(profile.push_pull_period, random_)),
      next_reconnect_(now) {
  std::set<Endpoint> seen{own, Endpoint{}};
  for (Endpoint const& seed : seeds) {
    if (seed.port != 0 && seen.insert(seed).second) seeds_.push_back(seed);
  }
}

void PeerCalls::tick(Instant now, MemberTable const& members, std::vector<Call>& out) {
  if (next_push_pull_ <= now) push_pull(now, members, out);
  if (next_reconnect_ <= now) reconnect(now, members, out);
}

void PeerCalls::push_pull(Instant now, MemberTable const& members, std::vector<Call>& out) {
  next_push_pull_ = now + jittered(push_pull_period(profile_, members.live()), random_);
  // A suspect may not answer; of a few somebody does.
  for (Member const* member : members.sample(4, std::span{&self_, 1}, random_)) {
    if (member->state != MemberState::alive) continue;
    bool const any = planted(PlantedBug::new_kinds_go_to_old_nodes);
    out.push_back({member->alive.peer, any || understands<MembersDigest>(member->alive)});
    return;
  }
}

void PeerCalls::reconnect(Instant now, MemberTable const& members, std::vector<Call>& out) {
  std::set<Endpoint> wanted{seeds_.begin(), seeds_.end()};
  wanted.insert(graves_.begin(), graves_.end());
  members.for_each_grave([&](Endpoint const& endpoint) { wanted.insert(endpoint); });
  std::vector<Endpoint> calls;
  for (Endpoint const& endpoint : wanted) {
    bool const mine = random_.below(std::max(members.live(), callers_wanted)) < callers_wanted;
    if (mine && !members.is_inhabited(endpoint)) calls.push_back(endpoint);
  }
  for (std::size_t i = 0; i < calls.size() && i < calls_max; ++i) {
    std::swap(calls[i], calls[i + random_.below(calls.size() - i)]);
    out.push_back({calls[i], false});
  }
  bool const lonely = members.live() <= 1;
  lonely_period_ =
      lonely ? std::min(lonely_period_ * 2, profile_.reconnect_period) : profile_.probe_period;
  next_reconnect_ = now + jittered(lonely ? lonely_period_ : profile_.reconnect_period, random_);
}

void PeerCalls::remember(Endpoint const& endpoint) {
  if (endpoint.port == 0 || std::find(graves_.begin(), graves_.end(), endpoint) != graves_.end()) {
    return;
  }
  graves_.push_back(endpoint);
  if (graves_.size() > graves_max) graves_.pop_front();
}

bool PeerCalls::may_call(Endpoint const& endpoint, Instant now) {
  std::erase_if(recent_, [&](auto const& call) { return now - call.second >= recent_period; });
  if (endpoint.port == 0 || recent_.size() >= strangers_max) return false;
  return recent_.emplace(endpoint, now).second;
}

bool PeerCalls::may_tell_all(Instant now) {
  if (now - tables_since_ >= recent_period) {
    tables_since_ = now;
    tables_told_ = 0;
  }
  return ++tables_told_ <= tables_told_max;
}

void PeerCalls::hurry(Instant now) {
  next_push_pull_ = std::min(next_push_pull_, now + jittered(profile_.probe_period, random_));
}

}  // namespace chisme::cluster
