#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Disposal removes copies from this node's disk: first the Drop, durable, so that nobody counts on
// the copy any more; then the bytes. Saving takes a slow disk seconds. What has happened since the
// removal was decided (a name came to refer to the object, a holder died) is looked at once more
// before the bytes go: a copy that is wanted again stays.
//
// A copy that arrives before the host is asked to remove the bytes cancels the removal. One that
// arrives after that may be the one that goes: it counts as not stored until the host, asked after
// the removal, has read it. At most `at_once_max` (Limits::removals) removals are under way.
//
// Pure; one thread owns it.
class Disposal {
 public:
  explicit Disposal(std::size_t at_once_max) : at_once_max_(at_once_max) {}

  [[nodiscard]] bool is_full() const { return removals_.size() >= at_once_max_; }
  // Whether this object's bytes are being removed: what arrives now is uncertain.
  [[nodiscard]] bool is_removing(Digest const& digest) const;
  // Why a copy goes: there are enough others, or no name refers to the object.
  enum class Reason : std::uint8_t { surplus, unreferenced };
  // REQUIRES: the copy is local, not `is_full`.
  void begin(Digest const& digest, Reason reason, Catalogue& catalogue, Effects& out);
  // The catalogue is durable up to `save`. What was unreferenced and has a name again, or was
  // surplus and has fewer than R holders that are alive, stays.
  void saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out);
  // True when the catalogue is to hear nothing of it yet.
  bool stored(ObjectStored const& object, Effects& out);
  void removed(Digest const& digest);
  void verified(ObjectVerified const& result, Catalogue& catalogue);
  void add_sizes(TableSizes& out) const {
    out.push_back({"removals", removals_.size(), at_once_max_, is_work});
  }

 private:
  std::size_t at_once_max_;
  enum class Stage { dropping, removing, verifying };
  struct Removal {
    Reason reason = Reason::surplus;
    Stage stage = Stage::dropping;
    SaveId save;                          // of the Drop
    std::optional<ObjectStored> arrived;  // while the bytes were being removed
  };
  static bool is_wanted_again(Digest const& digest, Reason reason, Catalogue const& catalogue,
                              Situation const& situation);

  std::map<Digest, Removal> removals_;
};

}  // namespace chisme::cluster
