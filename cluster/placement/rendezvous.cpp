#include "cluster/placement/rendezvous.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

constexpr float full_ratio = 0.9F;

struct RankedMember {
  MemberView const* member;
  double score;
  bool full;
};
using Zones = std::set<std::string_view>;

// For a heap whose top is the best.
bool is_worse(RankedMember const& a, RankedMember const& b) {
  if (a.full != b.full) return a.full;
  if (a.score != b.score) return a.score < b.score;
  return a.member->alive.id > b.member->alive.id;
}

void consider(std::uint64_t key, MemberView const& member, std::vector<RankedMember>& found) {
  if (member.state != MemberState::alive || member.alive.draining) return;
  if (member.alive.weight == 0) return;
  double const score = rendezvous_score(key, member.alive.id, member.alive.weight);
  found.push_back({&member, score, is_nearly_full(member)});
}

// Zones that no node is in yet, but a node that is not full could be.
Zones open_zones(std::vector<RankedMember> const& candidates, Zones const& taken) {
  Zones open;
  for (RankedMember const& candidate : candidates) {
    std::string const& zone = candidate.member->alive.zone;
    if (!zone.empty() && !candidate.full && !taken.contains(zone)) open.insert(zone);
  }
  return open;
}

// The best in zones of their own first, then the best of the rest. Takes no more from the heap
// than it needs: O(N) for the heap, O(log N) for each one taken.
std::vector<NodeId> choose(std::vector<RankedMember>& heap, std::size_t count, Zones const& taken) {
  Zones open = open_zones(heap, taken);
  auto const is_free = [](RankedMember const& one) {
    return one.member->alive.zone.empty() && !one.full;
  };
  auto free = std::ranges::count_if(heap, is_free);
  std::ranges::make_heap(heap, is_worse);
  std::vector<NodeId> chosen;
  std::vector<NodeId> second;  // in a zone that has one already, or full
  while (!heap.empty() && chosen.size() < count) {
    std::ranges::pop_heap(heap, is_worse);
    RankedMember const best = heap.back();
    heap.pop_back();
    bool const first = is_free(best) || (!best.full && open.erase(best.member->alive.zone) > 0);
    if (is_free(best)) --free;
    if (first || second.size() < count) {
      (first ? chosen : second).push_back(best.member->alive.id);
    }
    bool const others_can_be_first = !open.empty() || free > 0;
    if (!others_can_be_first && chosen.size() + second.size() >= count) break;
  }
  chosen.insert(chosen.end(), second.begin(), second.end());
  if (chosen.size() > count) chosen.resize(count);
  return chosen;
}

}  // namespace

bool is_nearly_full(LoadRecord const& load) {
  return load.disk_used_ratio > full_ratio;
}

bool is_nearly_full(MemberView const& member) {
  return member.load && is_nearly_full(*member.load);
}

std::uint64_t placement_key(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, whose weak high bits `mix` repairs
  for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix(hash);
}

double rendezvous_score(std::uint64_t key, NodeId node, std::uint32_t weight) {
  std::uint64_t const hash = mix(key ^ mix(node.high ^ mix(node.low)));
  // In (0, 1), never either end, so that the logarithm is finite and not zero.
  double const uniform = (static_cast<double>(hash >> 12) + 0.5) * 0x1p-52;
  return -static_cast<double>(weight) / std::log(uniform);
}

std::vector<NodeId> place(std::uint64_t key, std::span<MemberView const> members, std::size_t count,
                          std::span<NodeId const> exclude) {
  std::vector<RankedMember> found;
  Zones taken;
  for (MemberView const& member : members) {
    if (std::ranges::find(exclude, member.alive.id) == exclude.end()) {
      consider(key, member, found);
    } else if (!member.alive.zone.empty()) {
      taken.insert(member.alive.zone);
    }
  }
  return choose(found, count, taken);
}

std::optional<std::chrono::seconds> sweep_delay(std::uint64_t key,
                                                std::span<MemberView const> members, NodeId self) {
  constexpr std::size_t sweepers = 3;
  auto const nodes = place(key, members, sweepers);
  auto const found = std::ranges::find(nodes, self);
  if (found == nodes.end()) return std::nullopt;
  return (found - nodes.begin()) * sweep_turn;
}

std::vector<NodeId> rank_holders(std::uint64_t key, std::span<MemberView const> members,
                                 std::span<NodeId const> holders) {
  std::vector<RankedMember> found;
  for (NodeId const id : holders) {
    auto const member =
        std::ranges::lower_bound(members, id, {}, [](MemberView const& m) { return m.alive.id; });
    if (member != members.end() && member->alive.id == id) consider(key, *member, found);
  }
  return choose(found, found.size(), {});
}

}  // namespace chisme::cluster
