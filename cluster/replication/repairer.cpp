#include "cluster/replication/repairer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cluster/base/planted_bug.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration rank_step_max = std::chrono::seconds{30};
constexpr Duration fetch_resend_period = std::chrono::seconds{10};
constexpr Duration failure_pause_min = std::chrono::seconds{1};
constexpr Duration failure_pause_max = std::chrono::seconds{60};
// A copy may take this long, and as long as its bytes take at the slowest rate worth waiting for.
constexpr Duration transfer_patience = std::chrono::seconds{30};
constexpr std::size_t failed_targets_max = 8;
constexpr std::size_t sources_max = 16;

Duration patience_for(ByteCount size) {
  return transfer_patience + slowest_transfer(size);
}

void announce(Digest const& digest, NodeId target, RepairStage stage, Situation const& situation,
              Effects& out) {
  out.push_back(Announce{RepairProgress{digest, situation.self, target, stage}});
}

bool contains(std::vector<NodeId> const& nodes, NodeId id) {
  return std::ranges::find(nodes, id) != nodes.end();
}

// Best coordinator first.
void rank(std::vector<NodeId>& sources, std::uint64_t key, Situation const& situation) {
  auto const score = [&](NodeId id) {
    MemberView const* const member = find_member(situation.members, id);
    return rendezvous_score(key, id, std::max(1u, member->alive.weight));
  };
  std::ranges::sort(sources, [&](NodeId a, NodeId b) {
    double const score_a = score(a);
    double const score_b = score(b);
    return score_a != score_b ? score_a > score_b : a < b;
  });
}

void move_to_front(std::vector<NodeId>& nodes, NodeId id) {
  auto const found = std::ranges::find(nodes, id);
  if (found != nodes.end()) std::rotate(nodes.begin(), found, found + 1);
}

std::optional<NodeId> choose_target(std::uint64_t key, std::vector<NodeId> exclude,
                                    std::vector<NodeId> const& failed, Situation const& situation) {
  exclude.insert(exclude.end(), failed.begin(), failed.end());
  std::vector<NodeId> const best = place(key, situation.members, 1, exclude);
  return best.empty() ? std::nullopt : std::optional{best.front()};
}

}  // namespace

Repairer::Repairer(CoreConfig const& config, Instant now)
    : config_(config), started_(now), next_wake_(now) {}

void Repairer::examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation,
                       Outages const& outages, Effects& out) {
  auto const use = catalogue.objects().find(digest);
  if (use == catalogue.objects().end()) {
    lost_.erase(digest);
    return end(digest);
  }
  Need const need = need_of(digest, use->second, catalogue, situation, outages);
  watch_for_loss(digest, need.sources.empty(), situation, outages, out);
  auto const repair = repairs_.find(digest);
  if (repair != repairs_.end() && repair->second.started) {
    if (!contains(need.holders, repair->second.target)) return;
    announce(digest, repair->second.target, RepairStage::finished, situation, out);
    end(digest);
  }
  if (!need.due) return end(digest);
  auto const target = choose_target(need.key, need.sources, {}, situation);
  if (!target) return end(digest);
  schedule(digest, need, *target, situation, out);
}

void Repairer::peer_unreachable(Endpoint endpoint, Situation const& situation) {
  for (Digest const& digest : running_) {
    Repair& repair = repairs_.at(digest);
    MemberView const* const target = find_member(situation.members, repair.target);
    if (target == nullptr || target->alive.peer == endpoint) repair.act_at = situation.now;
  }
}

void Repairer::fetch_failed(NodeId from, FetchFailed const& failure, Situation const& situation,
                            Effects& out) {
  if (!running_.contains(failure.digest)) return;
  Repair& repair = repairs_.at(failure.digest);
  if (repair.target == from) fail(failure.digest, repair, situation, out);
}

void Repairer::tick(Catalogue const& catalogue, Situation const& situation, Outages const& outages,
                    Effects& out) {
  auto const next = deadline();
  bool const due = next && *next <= situation.now;
  if (!due && ready_.empty() && running_.empty()) return;
  check_running(catalogue, situation, outages, out);
  wake_waiting(catalogue, situation, outages, out);
  start_some(catalogue, situation, outages, out);
}

std::optional<Instant> Repairer::deadline() const {
  std::optional<Instant> first;
  auto const consider = [&](Instant at) { first = first ? std::min(*first, at) : at; };
  if (!waiting_.empty()) consider(std::max(next_wake_, waiting_.begin()->first));
  for (Digest const& digest : running_) {
    Repair const& repair = repairs_.at(digest);
    consider(std::min(repair.act_at, repair.resend_at));
  }
  return first;
}

// ---- What an object lacks -----------------------------------------------------------------------

Repairer::Need Repairer::need_of(Digest const& digest, Catalogue::ObjectUse const& use,
                                 Catalogue const& catalogue, Situation const& situation,
                                 Outages const& outages) const {
  std::string const& name = *use.names.begin();
  Need need;
  need.key = placement_key(name);
  need.holders = catalogue.snapshot().holders(digest);
  for (NodeId const id : need.holders) {
    MemberView const* const member = find_member(situation.members, id);
    if (!is_reachable(member)) {
      if (planted(PlantedBug::the_dead_count_as_copies)) ++need.copies;
      continue;
    }
    need.sources.push_back(id);
    if (!member->alive.draining) ++need.copies;
  }
  if (need.copies >= situation.copies_wanted) return need;  // as nearly always
  rank(need.sources, need.key, situation);
  bool writer_comes_first = false;
  if (need.holders.size() < situation.copies_wanted) {
    // It never had its copies: the writer is still at it, even if its own Have is not known here
    // yet.
    NodeId const writer = catalogue.file(name)->version.writer;
    move_to_front(need.sources, writer);
    writer_comes_first =
        !contains(need.sources, writer) && is_reachable(find_member(situation.members, writer));
  }
  auto const self = std::ranges::find(need.sources, situation.self);
  if (self == need.sources.end()) return need;
  need.rank = static_cast<unsigned>(self - need.sources.begin()) + (writer_comes_first ? 1 : 0);
  need.due = due_of(need, situation, outages);
  return need;
}

// When the copies in reach, and those that may return, become fewer than R.
std::optional<Instant> Repairer::due_of(Need const& need, Situation const& situation,
                                        Outages const& outages) const {
  if (planted(PlantedBug::nothing_is_repaired)) return std::nullopt;
  std::size_t const wanted = situation.copies_wanted;
  Instant due = situation.now;
  Duration const delay = need.copies >= 2 ? config_.repair_delay : config_.last_copy_repair_delay;
  std::vector<Instant> waited_for;
  for (NodeId const id : need.holders) {
    if (contains(need.sources, id) || outages.has_left(id)) continue;
    waited_for.push_back(outages.missing_since(id) + delay);
  }
  std::ranges::sort(waited_for);
  std::size_t const expected = need.copies + waited_for.size();
  if (expected >= wanted) due = waited_for[expected - wanted];
  if (outages.is_braked() && need.copies >= 2) {
    if (outages.is_blind()) return std::nullopt;
    due = std::max(due, *outages.brake().until);
  }
  return due;
}

void Repairer::watch_for_loss(Digest const& digest, bool lost, Situation const& situation,
                              Outages const& outages, Effects& out) {
  if (!lost) {
    lost_.erase(digest);
    return;
  }
  // Its holders may still come to be known, after a start and after a write.
  Instant const sure =
      std::max(situation.now + config_.last_copy_repair_delay, started_ + config_.repair_delay);
  auto const [entry, first] = lost_.try_emplace(digest, sure);
  if (!entry->second) return;
  if (first) waiting_.emplace(*entry->second, digest);
  // A node that sees less than half of the others cannot tell that nobody has it.
  if (situation.now < *entry->second || outages.is_blind()) return;
  entry->second.reset();
  out.push_back(Announce{CopiesLost{digest}});
}

// ---- Queues -------------------------------------------------------------------------------------

void Repairer::schedule(Digest const& digest, Need const& need, NodeId target,
                        Situation const& situation, Effects& out) {
  Instant const now = situation.now;
  auto const [entry, first] = repairs_.try_emplace(digest);
  Repair& repair = entry->second;
  if (first) {
    if (need.rank == 0) announce(digest, target, RepairStage::queued, situation, out);
  } else {
    take_off_queues(digest, repair);
  }
  // What is due "now" stays due since the first time that it was seen to be.
  bool const still_due = !first && *need.due <= now && repair.since <= now;
  if (!still_due) repair.since = *need.due;
  repair.copies = need.copies;
  Duration const step = std::min(rank_step_max, config_.repair_delay);
  repair.act_at = std::max(repair.since + need.rank * step, repair.not_before);
  count(repair, need.rank == 0 || repair.act_at <= now);
  if (repair.act_at <= now) {
    ready_.emplace(repair.copies, repair.act_at, digest);
  } else {
    waiting_.emplace(repair.act_at, digest);
  }
}

void Repairer::wake_waiting(Catalogue const& catalogue, Situation const& situation,
                            Outages const& outages, Effects& out) {
  if (situation.now < next_wake_) return;
  for (std::size_t i = 0; i < Survey::slice; ++i) {
    if (waiting_.empty() || waiting_.begin()->first > situation.now) return;
    Digest const digest = waiting_.extract(waiting_.begin()).value().second;
    examine(digest, catalogue, situation, outages, out);
  }
  next_wake_ = situation.now + Survey::pause;  // many wait for the same dead node
}

void Repairer::start_some(Catalogue const& catalogue, Situation const& situation,
                          Outages const& outages, Effects& out) {
  unsigned const most = throttled(config_.transfers_out_max, situation);
  while (running_.size() < most && !ready_.empty()) {
    Digest const digest = std::get<Digest>(ready_.extract(ready_.begin()).value());
    auto const repair = repairs_.find(digest);
    if (start(digest, repair->second, catalogue, situation, outages, out)) continue;
    look_again(digest, situation.now + Survey::pause);
  }
}

bool Repairer::start(Digest const& digest, Repair& repair, Catalogue const& catalogue,
                     Situation const& situation, Outages const& outages, Effects& out) {
  auto const use = catalogue.objects().find(digest);
  if (use == catalogue.objects().end()) return false;
  Need need = need_of(digest, use->second, catalogue, situation, outages);
  if (!need.due || *need.due > situation.now) return false;
  auto const target = choose_target(need.key, need.sources, repair.failed_targets, situation);
  if (!target) {
    // All have failed: after the pause, all are tried again.
    repair.failed_targets.clear();
    repair.not_before = std::max(repair.not_before, situation.now + failure_pause_min);
    return false;
  }
  repair.started = true;
  repair.target = *target;
  repair.act_at = situation.now + patience_for(use->second.size);
  running_.insert(digest);
  count(repair, true);
  announce(digest, *target, RepairStage::started, situation, out);
  send(digest, repair, use->second.size, std::move(need.sources), situation, out);
  return true;
}

void Repairer::send(Digest const& digest, Repair& repair, ByteCount size,
                    std::vector<NodeId> sources, Situation const& situation, Effects& out) {
  repair.resend_at = situation.now + fetch_resend_period;
  move_to_front(sources, situation.self);
  std::size_t const offered = repair.failures == 0 ? 1 : sources_max;
  if (sources.size() > offered) sources.resize(offered);
  MemberView const* const target = find_member(situation.members, repair.target);
  if (target == nullptr) return;
  out.push_back(
      Send{target->alive.peer, Channel::stream, FetchObject{digest, size, std::move(sources)}});
}

// ---- Copies under way ---------------------------------------------------------------------------

void Repairer::check_running(Catalogue const& catalogue, Situation const& situation,
                             Outages const& outages, Effects& out) {
  std::set<Digest> const running = running_;  // at most `transfers_out_max`
  for (Digest const& digest : running) {
    Repair& repair = repairs_.at(digest);
    auto const use = catalogue.objects().find(digest);
    bool const wanted = use != catalogue.objects().end();
    if (!wanted || catalogue.holding(digest, repair.target)) {
      examine(digest, catalogue, situation, outages, out);
      continue;
    }
    bool const reachable = is_reachable(find_member(situation.members, repair.target));
    if (!reachable || repair.act_at <= situation.now) {
      fail(digest, repair, situation, out);
    } else if (repair.resend_at <= situation.now) {
      Need need = need_of(digest, use->second, catalogue, situation, outages);
      send(digest, repair, use->second.size, std::move(need.sources), situation, out);
    }
  }
}

void Repairer::fail(Digest const& digest, Repair& repair, Situation const& situation,
                    Effects& out) {
  Instant const now = situation.now;
  announce(digest, repair.target, RepairStage::failed, situation, out);
  running_.erase(digest);
  repair.started = false;
  // The first failure is the target's, as far as anybody knows: the next one is asked at once.
  Duration const pause = failure_pause_min * (1 << std::min(repair.failures, 6u));
  repair.not_before = repair.failures == 0 ? now : now + std::min(failure_pause_max, pause);
  ++repair.failures;
  if (repair.failed_targets.size() == failed_targets_max) repair.failed_targets.clear();
  repair.failed_targets.push_back(repair.target);
  look_again(digest, now);
}

void Repairer::take_off_queues(Digest const& digest, Repair const& repair) {
  waiting_.erase({repair.act_at, digest});
  ready_.erase({repair.copies, repair.act_at, digest});
}

void Repairer::count(Repair& repair, bool counted) {
  if (counted && !repair.counted) ++pending_;
  if (!counted && repair.counted && !planted(PlantedBug::repairs_stay_counted)) --pending_;
  repair.counted = counted;
}

void Repairer::end(Digest const& digest) {
  auto const found = repairs_.find(digest);
  if (found == repairs_.end()) return;
  take_off_queues(digest, found->second);
  count(found->second, false);
  running_.erase(digest);
  repairs_.erase(found);
}

}  // namespace chisme::cluster
