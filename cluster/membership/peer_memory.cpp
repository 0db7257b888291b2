#include "cluster/membership/peer_memory.hpp"

#include <algorithm>

#include "cluster/membership/member_table.hpp"

namespace chisme::cluster {

PeerMemory::PeerMemory(NodeId self, Endpoint own, std::vector<Endpoint> const& configured,
                       std::vector<KnownPeer> const& remembered, Instant now)
    : until_(now + MemberTable::dead_kept) {
  for (KnownPeer const& peer : remembered) {
    if (peer.id == self || peer.at == Endpoint{}) continue;
    if (peer.id == NodeId{}) {
      places_.insert(peer.at);
    } else {
      people_.emplace(peer.id, peer.at);
      remembered_.insert(peer.id);
    }
  }
  if (remembered.empty()) places_.insert(configured.begin(), configured.end());
  places_.erase(own);
  places_.erase(Endpoint{});
  places_given_ = places_.size();
}

void PeerMemory::met(AliveRecord const& member) {
  people_.erase(member.id);
  places_.erase(member.peer);
  if (remembered_.contains(member.id)) return;
  std::erase_if(people_, [&](auto const& person) { return person.second == member.peer; });
}

void PeerMemory::tick(Instant now) {
  if (now < until_) return;
  people_.clear();
  places_.clear();
}

std::size_t PeerMemory::missed_places(std::size_t known) const {
  return std::min(places_.size(), places_given_ > known ? places_given_ - known : 0);
}

std::size_t PeerMemory::missed(std::size_t known) const {
  return people_.size() + missed_places(known);
}

// Of the addresses too many would be missed at every start from now on.
std::vector<KnownPeer> PeerMemory::unmet(std::size_t known) const {
  std::vector<KnownPeer> unmet;
  for (auto const& [id, at] : people_) unmet.push_back({id, at});
  std::size_t places = missed_places(known);
  for (auto place = places_.begin(); places > 0; ++place, --places) {
    unmet.push_back({NodeId{}, *place});
  }
  return unmet;
}

void PeerMemory::add_sizes(TableSizes& out) const {
  out.push_back({"peers that are missed", people_.size() + places_.size(),
                 remembered_.size() + places_given_});
}

}  // namespace chisme::cluster
