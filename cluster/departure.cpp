#include "cluster/departure.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace chisme::cluster {
namespace {

std::set<NodeId> staying_members(ClusterView const& view) {
  std::set<NodeId> staying;
  for (MemberView const& member : view.members) {
    bool const stays = member.state == MemberState::alive && !member.alive.draining;
    if (stays && !member.self) staying.insert(member.alive.id);
  }
  return staying;
}

bool is_handed_over(FileEntry const& file, NodeId self, std::set<NodeId> const& staying,
                    std::size_t wanted) {
  auto const& holders = file.holders;
  if (std::find(holders.begin(), holders.end(), self) == holders.end()) return true;
  auto const copies = std::count_if(holders.begin(), holders.end(),
                                    [&](NodeId holder) { return staying.contains(holder); });
  return static_cast<std::size_t>(copies) >= std::min(wanted, staying.size());
}

}  // namespace

void Departure::begin(Instant now) {
  if (!has_begun()) next_ = now + notice;
}

bool Departure::tick(ClusterView const& view) {
  if (!has_begun() || view.at < *next_) return false;
  next_ = view.at + period;
  std::set<NodeId> const staying = staying_members(view);
  std::vector<FileEntry> const files = view.catalogue.list("", passed_, slice);
  for (FileEntry const& file : files) {
    if (!is_handed_over(file, view.self, staying, view.copies_wanted)) return false;
    passed_ = file.put.name;
  }
  return files.size() < slice;
}

}  // namespace chisme::cluster
