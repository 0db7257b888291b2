#include "cluster/replication/expiry_sweeper.hpp"

#include <algorithm>

#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration sweep_step = std::chrono::milliseconds{10};
constexpr Duration sweep_round = std::chrono::seconds{1};
constexpr Duration sweep_pause_max = std::chrono::minutes{1};
// The wall clock may be set forward meanwhile.
constexpr Duration sweep_sleep = std::chrono::minutes{1};

}  // namespace

std::vector<std::string> ExpirySweeper::tick(Catalogue const& catalogue,
                                             Situation const& situation) {
  auto const& expiring = catalogue.tables().expiring();
  wakes_.reset();
  if (expiring.empty() || catalogue.is_filling()) return {};
  WallTime const due = catalogue.wall(situation.now) - margin;
  WallTime const first = expiring.begin()->first;
  if (first > due) {
    last_ = {};
    wakes_ = situation.now + std::min<Duration>(first - due, sweep_sleep);
    return {};
  }
  std::vector<std::string> names;
  if (next_step_ <= situation.now) names = step(catalogue, situation, due);
  wakes_ = next_step_;
  return names;
}

std::vector<std::string> ExpirySweeper::step(Catalogue const& catalogue, Situation const& situation,
                                             WallTime due) {
  auto const& expiring = catalogue.tables().expiring();
  std::vector<std::string> names;
  std::size_t looked_at = 0;
  auto next = expiring.upper_bound({last_.first, last_.second});
  for (; next != expiring.end() && next->first <= due; ++next) {
    bool const is_full = under_way_.size() >= at_once_max;
    if (is_full || looked_at++ == looked_at_once) {
      next_step_ = situation.now + (is_full ? sweep_round : sweep_step);
      return names;
    }
    auto const& [expires, name] = *next;
    last_ = {expires, std::string{name}};
    auto const delay = sweep_delay(placement_key(name), situation.members, situation.self);
    if (!delay || expires + *delay > due) continue;
    if (under_way_.emplace(name).second) names.emplace_back(name);
  }
  last_ = {};
  next_step_ = situation.now + sweep_round;
  return names;
}

void ExpirySweeper::finished(std::string const& name, Result<void> const& ended, Instant now) {
  under_way_.erase(name);
  bool const is_settled = ended || ended.error().fault == Fault::not_found ||
                          ended.error().fault == Fault::precondition_failed;
  if (is_settled) {
    pause_ = {};
    if (under_way_.size() + 1 == at_once_max) next_step_ = std::min(next_step_, now);
  } else {
    pause_ = std::clamp<Duration>(2 * pause_, 2 * sweep_round, sweep_pause_max);
    next_step_ = std::max(next_step_, now + pause_);
  }
}

}  // namespace chisme::cluster
