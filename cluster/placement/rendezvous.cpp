#include "cluster/placement/rendezvous.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

constexpr float full_ratio = 0.9F;

struct Candidate {
  MemberView const* member;
  double score;
  bool full;
};

bool is_full(MemberView const& member) {
  return member.load && member.load->disk_used_ratio > full_ratio;
}

std::vector<Candidate> candidates(std::uint64_t key, std::span<MemberView const> members,
                                  std::span<NodeId const> exclude) {
  std::vector<Candidate> found;
  for (MemberView const& member : members) {
    if (member.state != MemberState::alive || member.alive.draining) continue;
    if (member.alive.weight == 0 || std::ranges::count(exclude, member.alive.id) > 0) continue;
    found.push_back(
        {&member, rendezvous_score(key, member.alive.id, member.alive.weight), is_full(member)});
  }
  std::ranges::sort(found, [](Candidate const& a, Candidate const& b) {
    if (a.full != b.full) return b.full;
    if (a.score != b.score) return a.score > b.score;
    return a.member->alive.id < b.member->alive.id;
  });
  return found;
}

std::vector<std::string> zones_of(std::span<MemberView const> members,
                                  std::span<NodeId const> nodes) {
  std::vector<std::string> zones;
  for (MemberView const& member : members) {
    if (std::ranges::count(nodes, member.alive.id) > 0) zones.push_back(member.alive.zone);
  }
  return zones;
}

}  // namespace

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
  std::vector<Candidate> const ranked = candidates(key, members, exclude);
  std::vector<std::string> zones = zones_of(members, exclude);
  std::vector<NodeId> chosen;
  std::vector<NodeId> second;  // in a zone that has one already, or full
  for (Candidate const& candidate : ranked) {
    AliveRecord const& node = candidate.member->alive;
    bool const new_zone = node.zone.empty() || std::ranges::count(zones, node.zone) == 0;
    bool const first = new_zone && !candidate.full;
    if (first) zones.push_back(node.zone);
    (first ? chosen : second).push_back(node.id);
  }
  chosen.insert(chosen.end(), second.begin(), second.end());
  if (chosen.size() > count) chosen.resize(count);
  return chosen;
}

}  // namespace chisme::cluster
