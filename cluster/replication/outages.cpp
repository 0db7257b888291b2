#include "cluster/replication/outages.hpp"

#include <algorithm>
#include <vector>

namespace chisme::cluster {

Outages::Outages(CoreConfig const& config, Instant now)
    : repair_delay_(config.repair_delay),
      calm_delay_(config.surplus_kept),
      promise_(config.copy_promise),
      started_(now),
      last_seen_(now),
      next_judgement_(now) {}

void Outages::members_changed(Situation const& situation) {
  any_suspect_ = false;
  for (MemberView const& member : situation.members) {
    NodeId const id = member.alive.id;
    any_suspect_ = any_suspect_ || member.state == MemberState::suspect;
    if (member.state == MemberState::dead) {
      died_.try_emplace(id, situation.now);
    } else {
      died_.erase(id);
    }
    if (member.state == MemberState::left) {
      left_.insert(id);
    } else {
      left_.erase(id);
    }
  }
  std::erase_if(left_, [&](NodeId id) { return find_member(situation.members, id) == nullptr; });
  std::erase_if(died_, [&](auto const& dead) {
    return find_member(situation.members, dead.first) == nullptr;
  });
  judge(situation);
}

void Outages::tick(Situation const& situation) {
  bool const slept = situation.now - last_seen_ > nap_max();
  last_seen_ = situation.now;
  // What happened meanwhile will be heard soon.
  if (slept) calm_since_.reset();
  if (slept || (next_judgement_ && *next_judgement_ <= situation.now)) judge(situation);
}

std::optional<Instant> Outages::deadline() const {
  Instant const awake = last_seen_ + nap_max() / 2;
  return std::min(awake, next_judgement_.value_or(awake));
}

void Outages::judge(Situation const& situation) {
  brake_ = brake_of(situation);
  next_judgement_.reset();
  for (auto const& [id, at] : died_) {
    Instant const over = at + repair_delay_;
    if (over > situation.now) next_judgement_ = std::min(over, next_judgement_.value_or(over));
  }
  if (is_restless()) {
    calm_since_.reset();
  } else if (!calm_since_) {
    calm_since_ = situation.now;
  }
}

// A death that is still waited for is one that `next_judgement_` looks forward to.
bool Outages::is_restless() const {
  return brake_.on || any_suspect_ || next_judgement_.has_value();
}

bool Outages::is_calm(Instant now) const {
  return calm_since_ && now >= *calm_since_ + calm_delay_ &&
         now >= started_ + promise_ + promise_ / 50;
}

Instant Outages::missing_since(NodeId id) const {
  auto const died = died_.find(id);
  return died == died_.end() ? started_ : died->second;
}

Outages::Brake Outages::brake_of(Situation const& situation) const {
  std::size_t const members = expected_members(situation.members);
  auto const in_sight = static_cast<std::size_t>(std::ranges::count_if(
      situation.members, [](MemberView const& member) { return is_reachable(&member); }));
  if (2 * in_sight < members) return {.on = true, .until = std::nullopt};
  std::vector<Instant> deaths;
  for (auto const& [id, at] : died_) {
    if (at + repair_delay_ > situation.now) deaths.push_back(at);
  }
  std::ranges::sort(deaths);
  // It ends when the first of the deaths are so long ago that the others are few enough.
  std::size_t past = 0;
  auto const many = [&](std::size_t recent) { return recent > 1 && 4 * recent > members; };
  while (many(deaths.size() - past)) ++past;
  if (past == 0) return {};
  return {.on = true, .until = deaths[past - 1] + repair_delay_};
}

}  // namespace chisme::cluster
