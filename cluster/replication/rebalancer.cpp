#include "cluster/replication/rebalancer.hpp"

#include <algorithm>

#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration failure_pause = std::chrono::seconds{30};
constexpr std::size_t walked_at_once = 64;

bool has_more_room(MemberView const& member, float own_used) {
  return member.state == MemberState::alive && !member.alive.draining && member.load &&
         !is_nearly_full(member) && member.load->disk_used_ratio + Rebalancer::gain_min < own_used;
}

// A member of the object's placement that has no copy, and more room than this node.
MemberView const* choose_roomier(std::uint64_t key, std::vector<NodeId> const& holders,
                                 float own_used, Situation const& situation) {
  std::vector<NodeId> const placed = place(key, situation.members, situation.copies_wanted);
  if (std::ranges::find(placed, situation.self) != placed.end()) return nullptr;
  for (NodeId const id : placed) {
    if (std::ranges::find(holders, id) != holders.end()) continue;
    MemberView const* const member = find_member(situation.members, id);
    if (has_more_room(*member, own_used)) return member;
  }
  return nullptr;
}

}  // namespace

Rebalancer::Rebalancer(CoreConfig const& config, Instant now)
    : trim_patience_(4 * config.surplus_kept), next_look_(now) {}

void Rebalancer::tick(Catalogue const& catalogue, Situation const& situation,
                      Outages const& outages, std::uint64_t repairs, Effects& out) {
  if (situation.now < next_look_) return;
  next_look_ = situation.now + pause;
  if (move_ && is_over(*move_, catalogue, situation)) move_.reset();
  if (move_ || repairs > 0 || !outages.is_calm(situation.now) || is_busy(situation)) return;
  look_for_one(catalogue, situation, out);
}

bool Rebalancer::is_over(Move const& move, Catalogue const& catalogue,
                         Situation const& situation) const {
  return !catalogue.is_local(move.digest) || situation.now >= move.give_up_at;
}

void Rebalancer::look_for_one(Catalogue const& catalogue, Situation const& situation,
                              Effects& out) {
  if (catalogue.local().empty()) return;
  auto const used = disk_used(situation, situation.self);
  auto const helps = [&](MemberView const& member) { return has_more_room(member, *used); };
  if (!used || std::ranges::none_of(situation.members, helps)) {
    // To see that takes a walk over all.
    next_look_ += pause * (situation.members.size() / walked_at_once);
    return;
  }
  auto next = catalogue.local().lower_bound(next_);
  for (std::size_t i = 0; i < slice && next != catalogue.local().end(); ++i) {
    if (begin((next++)->first, catalogue, situation, out)) break;
  }
  next_ = next == catalogue.local().end() ? Digest{} : next->first;
}

bool Rebalancer::begin(Digest const& digest, Catalogue const& catalogue, Situation const& situation,
                       Effects& out) {
  auto const use = catalogue.objects().find(digest);
  if (use == catalogue.objects().end()) return false;
  std::vector<NodeId> const holders = catalogue.snapshot().holders(digest);
  auto const counts = [&](NodeId id) {
    MemberView const* const member = find_member(situation.members, id);
    return member != nullptr && member->state == MemberState::alive && !member->alive.draining;
  };
  // With fewer it is for repair, with more for trimming.
  if (std::ranges::count_if(holders, counts) != situation.copies_wanted) return false;
  std::uint64_t const key = placement_key(*use->second.names.begin());
  MemberView const* const target =
      choose_roomier(key, holders, *disk_used(situation, situation.self), situation);
  if (target == nullptr) return false;
  Duration const copying = slowest_transfer(use->second.size);
  move_ = Move{digest, target->alive.id, situation.now + trim_patience_ + 3 * copying};
  out.push_back(Send{target->alive.peer, Channel::stream,
                     FetchObject{digest, use->second.size, {situation.self}}});
  return true;
}

void Rebalancer::fetch_failed(NodeId from, FetchFailed const& failure, Instant now) {
  if (!move_ || move_->digest != failure.digest || move_->target != from) return;
  move_.reset();
  next_look_ = now + failure_pause;
}

}  // namespace chisme::cluster
