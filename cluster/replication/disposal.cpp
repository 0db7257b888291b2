#include "cluster/replication/disposal.hpp"

#include "cluster/base/check.hpp"

namespace chisme::cluster {

bool Disposal::is_removing(Digest const& digest) const {
  auto const found = removals_.find(digest);
  return found != removals_.end() && found->second.stage != Stage::dropping;
}

void Disposal::begin(Digest const& digest, Catalogue& catalogue, Effects& out) {
  CHECK(catalogue.is_local(digest) && !is_full());
  catalogue.object_removed(digest);
  removals_.insert_or_assign(
      digest, Removal{.stage = Stage::dropping, .save = catalogue.save(out), .arrived = {}});
}

void Disposal::saved(SaveId save, Effects& out) {
  for (auto& [digest, removal] : removals_) {
    if (removal.stage != Stage::dropping || removal.save > save) continue;
    removal.stage = Stage::removing;
    out.push_back(RemoveObject{digest});
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
