#include "cluster/replication/situation.hpp"

#include <algorithm>

namespace chisme::cluster {

MemberView const* find_member(std::span<MemberView const> members, NodeId id) {
  auto const found = std::ranges::lower_bound(
      members, id, {}, [](MemberView const& member) { return member.alive.id; });
  return found != members.end() && found->alive.id == id ? &*found : nullptr;
}

bool is_reachable(MemberView const* member) {
  return member != nullptr &&
         (member->state == MemberState::alive || member->state == MemberState::suspect);
}

}  // namespace chisme::cluster
