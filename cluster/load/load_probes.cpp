#include "cluster/load/load_probes.hpp"

#include <algorithm>
#include <chrono>

namespace chisme::cluster {

void LoadProbes::ask(std::span<MemberView const> members, Instant now, Effects& out) {
  std::erase_if(asked_, [&](auto const& entry) { return now - entry.second >= period; });
  std::size_t const most = members.size() <= small ? asked_max : 1;
  auto const after_last = std::ranges::upper_bound(
      members, last_, {}, [](MemberView const& member) { return member.alive.id; });
  auto const first = static_cast<std::size_t>(after_last - members.begin());
  for (std::size_t i = 0; i < members.size() && asked_.size() < most; ++i) {
    MemberView const& member = members[(first + i) % members.size()];
    if (!is_due(member, now)) continue;
    last_ = member.alive.id;
    asked_.emplace(last_, now);
    out.push_back(Send{member.alive.peer, Channel::datagram, LoadProbe{next_sequence_++}});
  }
}

bool LoadProbes::is_due(MemberView const& member, Instant now) const {
  if (member.self || member.state != MemberState::alive) return false;
  if (asked_.contains(member.alive.id)) return false;
  if (!member.load) return now - member.alive_since > too_old;
  return now - member.sampled + std::chrono::milliseconds{member.load->age_ms} > too_old;
}

}  // namespace chisme::cluster
