#include "node/link_counts.hpp"

#include <algorithm>

#include "node/core_driver.hpp"

namespace chisme::node {

LinkCounts::Own* LinkCounts::find(web::CredentialId const& link, cluster::AccessState const& known,
                                  WallTime wall) {
  auto const at = own_.find(link.number);
  if (at != own_.end()) return &at->second;
  constexpr std::size_t most = cluster::AccessState::links_max;
  if (!known.has_link(link.number) && known.link_count() >= most) return nullptr;
  if (own_.size() >= most) {
    std::erase_if(own_, [&](auto const& one) { return one.second.until <= wall; });
  }
  if (own_.size() >= most) return nullptr;
  return &(own_[link.number] = Own{.until = link.expires});
}

web::Standing LinkCounts::use(web::SharedLink const& link, web::LinkUse use,
                              cluster::AccessState const& known, Instant now, WallTime wall) {
  std::lock_guard const lock{mutex_};
  Own* const own = find(link.id, known, wall);
  if (own == nullptr) return web::Standing::busy;
  std::uint64_t const number = link.id.number;
  own->count = std::max(own->count, known.uses_at(number, self_));
  bool const is_used_up =
      own->count + known.uses_elsewhere(number, self_) >= link.downloads.value_or(0);
  bool const goes_on = own->last_begun != Instant{} && now - own->last_begun <= read_on;
  if (is_used_up) {
    bool const allowed = use == web::LinkUse::read_on && goes_on;
    return allowed ? web::Standing::valid : web::Standing::used_up;
  }
  if (use != web::LinkUse::begin) return web::Standing::valid;
  own->last_begun = now;
  ++own->count;
  core_.post(cluster::LinkUsed{number, link.id.expires, own->count});
  return web::Standing::valid;
}

}  // namespace chisme::node
