#include "cluster/view.hpp"

#include <algorithm>

namespace chisme::cluster {

MemberView const* Members::find(NodeId id) const {
  if (places_ != nullptr) {
    std::uint32_t const* const at = places_->find(id);
    return at == nullptr ? nullptr : &(*this)[*at];
  }
  auto const found = std::ranges::lower_bound(
      *this, id, {}, [](MemberView const& member) { return member.alive.id; });
  return found != end() && found->alive.id == id ? &*found : nullptr;
}

}  // namespace chisme::cluster
