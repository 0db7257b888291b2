#include "cluster/replication/disposal.hpp"

#include "cluster/base/check.hpp"

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

void Disposal::saved(SaveId save, Catalogue& catalogue, Effects& out) {
  for (auto next = removals_.begin(); next != removals_.end();) {
    auto& [digest, removal] = *next;
    bool const is_due = removal.stage == Stage::dropping && removal.save <= save;
    auto const use = catalogue.objects().find(digest);
    bool const has_name = use != catalogue.objects().end();
    if (is_due && removal.reason == Reason::unreferenced && has_name) {
      catalogue.object_stored({digest, use->second.size});
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
