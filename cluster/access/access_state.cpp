#include "cluster/access/access_state.hpp"

#include <algorithm>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

std::uint64_t number_of(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

bool AccessState::merge(Revocation const& revocation) {
  Key const key{revocation.kind, revocation.id};
  auto const [at, is_new] = revoked_.try_emplace(key, revocation.until);
  if (!is_new) {
    if (at->second >= revocation.until) return false;
    at->second = revocation.until;
    return true;
  }
  if (revoked_.size() <= merged_factor * revoked_max) return true;
  auto const least = std::ranges::min_element(
      revoked_, {}, [](auto const& one) { return std::pair{one.second, one.first}; });
  bool const is_it = least->first == key;
  revoked_.erase(least);
  return !is_it;
}

bool AccessState::merge(LinkUses const& uses) {
  auto const [at, is_new] = links_.try_emplace(uses.link);
  Link const before = at->second;
  Link& link = at->second;
  link.until = is_new ? uses.until : std::max(link.until, uses.until);
  for (LinkUses::Count const& count : uses.counts) {
    if (count.count == 0) continue;
    std::uint32_t& kept = link.counts[count.node];
    kept = std::max(kept, count.count);
    if (link.counts.size() <= counters_max) continue;
    link.counts.erase(std::ranges::min_element(
        link.counts, {}, [](auto const& one) { return std::pair{one.second, one.first}; }));
  }
  if (!is_new) return !(before == link);
  if (links_.size() <= merged_factor * links_max) return true;
  auto const least = std::ranges::min_element(
      links_, {}, [](auto const& one) { return std::pair{one.second.until, one.first}; });
  bool const is_it = least->first == uses.link;
  links_.erase(least);
  return !is_it;
}

bool AccessState::forget(WallTime before) {
  auto const revocations =
      std::erase_if(revoked_, [&](auto const& one) { return one.second < before; });
  auto const links =
      std::erase_if(links_, [&](auto const& one) { return one.second.until < before; });
  return revocations + links > 0;
}

std::uint64_t AccessState::uses(std::uint64_t link) const {
  std::uint64_t sum = 0;
  auto const found = links_.find(link);
  if (found == links_.end()) return sum;
  for (auto const& [node, count] : found->second.counts) sum += count;
  return sum;
}

std::uint64_t AccessState::uses_elsewhere(std::uint64_t link, NodeId than) const {
  return uses(link) - uses_at(link, than);
}

std::uint32_t AccessState::uses_at(std::uint64_t link, NodeId node) const {
  auto const found = links_.find(link);
  if (found == links_.end()) return 0;
  auto const at = found->second.counts.find(node);
  return at == found->second.counts.end() ? 0 : at->second;
}

Revocation AccessState::revocation(CredentialKind kind, std::uint64_t id) const {
  auto const found = revoked_.find({kind, id});
  return {kind, id, found == revoked_.end() ? WallTime{} : found->second};
}

LinkUses AccessState::uses_of(std::uint64_t link, NodeId node) const {
  auto const found = links_.find(link);
  LinkUses uses{.link = link, .until = {}, .counts = {}};
  if (found == links_.end()) return uses;
  uses.until = found->second.until;
  uses.counts.push_back({node, uses_at(link, node)});
  return uses;
}

AccessNews AccessState::all() const {
  AccessNews all;
  for (auto const& [key, until] : revoked_) all.revoked.push_back({key.first, key.second, until});
  for (auto const& [id, link] : links_) {
    LinkUses& uses = all.uses.emplace_back(LinkUses{.link = id, .until = link.until, .counts = {}});
    for (auto const& [node, count] : link.counts) uses.counts.push_back({node, count});
  }
  return all;
}

std::uint64_t AccessState::fingerprint() const {
  std::uint64_t sum = 0;
  for (auto const& [key, until] : revoked_) {
    sum ^= mix(key.second ^ mix(number_of(until) ^ mix(static_cast<std::uint64_t>(key.first) + 1)));
  }
  for (auto const& [id, link] : links_) {
    sum ^= mix(id ^ mix(number_of(link.until) ^ mix(3)));
    for (auto const& [node, count] : link.counts) {
      sum ^= mix(id ^ mix(node.high ^ mix(node.low ^ mix(count))));
    }
  }
  return sum;
}

}  // namespace chisme::cluster
