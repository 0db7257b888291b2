#include "cluster/load/load_probes.hpp"

#include <algorithm>
#include <chrono>

namespace chisme::cluster {
namespace {

NodeId id_of(MemberView const& member) {
  return member.alive.id;
}

void forget_before(Instant moment, std::map<NodeId, Instant>& asked) {
  std::erase_if(asked, [&](auto const& entry) { return entry.second <= moment; });
}

}  // namespace

bool is_old(MemberView const& member, Instant now) {
  if (member.self || member.state != MemberState::alive) return false;
  if (!member.load) return now - member.alive_since > LoadProbes::too_old;
  return now - member.sampled + std::chrono::milliseconds{member.load->age_ms} >
         LoadProbes::too_old;
}

void LoadProbes::ask(std::span<MemberView const> members, Instant now, Effects& out) {
  if (members.size() > small) return;
  forget_before(now - period, asked_);
  auto const after_last = std::ranges::upper_bound(members, last_, {}, id_of);
  auto const first = static_cast<std::size_t>(after_last - members.begin());
  for (std::size_t i = 0; i < members.size() && asked_.size() < asked_max; ++i) {
    MemberView const& member = members[(first + i) % members.size()];
    if (!is_due(member, now)) continue;
    last_ = member.alive.id;
    probe(member, now, out);
  }
}

void LoadProbes::want(std::span<NodeId const> nodes, std::span<MemberView const> members,
                      Instant now, Effects& out) {
  forget_before(now - period, asked_);
  for (NodeId const node : nodes) {
    if (asked_.size() >= wanted_max) return;
    MemberView const* const member = find_member(members, node);
    if (member != nullptr && is_due(*member, now)) probe(*member, now, out);
  }
}

void LoadProbes::probe(MemberView const& member, Instant now, Effects& out) {
  asked_.emplace(member.alive.id, now);
  out.push_back(Send{member.alive.peer, Channel::datagram, LoadProbe{next_sequence_++}});
}

bool LoadProbes::is_due(MemberView const& member, Instant now) const {
  return is_old(member, now) && !asked_.contains(member.alive.id);
}

std::vector<NodeId> WantedLoads::take(ClusterView const& view, std::span<NodeId const> holders,
                                      Instant now) {
  std::vector<NodeId> wanted;
  for (NodeId const holder : holders) {
    MemberView const* const member = find_member(view.members, holder);
    if (member == nullptr || !is_old(*member, now)) continue;
    forget_before(now - LoadProbes::period, named_);
    if (named_.size() >= LoadProbes::wanted_max) break;
    if (named_.emplace(holder, now).second) wanted.push_back(holder);
  }
  return wanted;
}

}  // namespace chisme::cluster
