#include "cluster/view.hpp"

#include <algorithm>

namespace chisme::cluster {

MemberView const* find_member(std::span<MemberView const> members, NodeId id) {
  auto const found = std::ranges::lower_bound(
      members, id, {}, [](MemberView const& member) { return member.alive.id; });
  return found != members.end() && found->alive.id == id ? &*found : nullptr;
}

}  // namespace chisme::cluster
