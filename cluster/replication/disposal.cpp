#include "cluster/replication/disposal.hpp"

#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {

bool Disposal::is_removing(Digest const& digest) const {
  auto const found = removals_.find(digest);
  return found != removals_.end() && found->second.stage != Stage::dropping;
}

void Disposal::begin(Digest const& digest, Reason reason, Catalogue& catalogue, Effects& out) {
  CHECK(catalogue.is_local(digest) && !is_full());
  catalogue.object_removed(digest);
  removals_.insert_or_assign(
      digest,
      Removal{
          .reason = reason, .stage = Stage::dropping, .save = catalogue.save(out), .arrived = {}});
}

// Nobody can have counted on the copy since the Drop, nor does anybody count on its being gone.
bool Disposal::is_wanted_again(Digest const& digest, Reason reason, Catalogue const& catalogue,
                               Situation const& situation) {
  auto const use = catalogue.objects().find(digest);
  if (use == catalogue.objects().end()) return false;
  if (reason == Reason::unreferenced) return true;
  if (planted(PlantedBug::needed_copies_are_removed)) return false;
  std::uint64_t const key = placement_key(*use->second.names.begin());
  std::vector<NodeId> const holders = catalogue.snapshot().holders(digest);
  return rank_holders(key, situation.members, holders).size() < situation.copies_wanted;
}

void Disposal::saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out) {
  for (auto next = removals_.begin(); next != removals_.end();) {
    auto& [digest, removal] = *next;
    bool const is_due = removal.stage == Stage::dropping && removal.save <= save;
    if (is_due && is_wanted_again(digest, removal.reason, catalogue, situation)) {
      catalogue.object_stored({digest, catalogue.objects().at(digest).size});
      next = removals_.erase(next);
      continue;
    }
    if (is_due) {
      removal.stage = Stage::removing;
      out.push_back(RemoveObject{digest});
    }
    ++next;
  }
}

bool Disposal::stored(ObjectStored const& object, Effects& out) {
  auto const found = removals_.find(object.digest);
  if (found == removals_.end()) return false;
  if (found->second.stage == Stage::dropping) {
    removals_.erase(found);
    return false;
  }
  found->second.stage = Stage::verifying;
  found->second.arrived = object;
  out.push_back(VerifyObject{object.digest, true});
  return true;
}

void Disposal::removed(Digest const& digest) {
  auto const found = removals_.find(digest);
  if (found != removals_.end() && found->second.stage == Stage::removing) removals_.erase(found);
}

void Disposal::verified(ObjectVerified const& result, Catalogue& catalogue) {
  auto const found = removals_.find(result.digest);
  if (found == removals_.end() || found->second.stage != Stage::verifying) return;
  if (result.intact) catalogue.object_stored(*found->second.arrived);
  removals_.erase(found);
}

}  // namespace chisme::cluster
