#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/disposal.hpp"
#include "cluster/replication/outages.hpp"
#include "cluster/replication/promises.hpp"
#include "cluster/replication/scrub_schedule.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/replication/trimmer.hpp"
#include "cluster/replication/unreferenced.hpp"
#include "cluster/replication/verifier.hpp"
#include "cluster/replication/writes_under_way.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Upkeep looks after the copies on this node's own disk: it has them read (Verifier,
// ScrubSchedule), keeps its word about them (Promises), and removes what is not wanted any more
// (Trimmer, Unreferenced, Disposal).
//
// What both ways to remove a copy have in common is held here: only in a calm, never while this
// node is leaving or still learns which names there are, never a copy that was promised, is being
// read, or that a write under way names.
//
// Pure; one thread owns it.
class Upkeep {
 public:
  Upkeep(CoreConfig const& config, Self const& self, Instant now);

  // What is known of the object, or of the members, has changed.
  void examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation);
  // A copy was fetched: of an object without a name only where it lost that one meanwhile.
  void fetched(Digest const& digest, Catalogue const& catalogue, Instant now);
  // The object lost its last name.
  void unnamed(Digest const& digest, RecordTables::Unnamed const& last, Catalogue const& catalogue,
               Instant now);
  void handle(ObjectStored const& input, Catalogue& catalogue, Instant now, Effects& out);
  void handle(ObjectRemoved const& input, Catalogue& catalogue);
  void handle(ObjectVerified const& input, Catalogue& catalogue, Situation const& situation,
              Effects& out);
  void handle(Envelope const& from, VerifyCopy const& question, Catalogue const& catalogue,
              Situation const& situation, Effects& out);
  void handle(NodeId from, CopyVerified const& answer) { trimmer_.handle(from, answer); }
  void peer_unreachable(Endpoint endpoint, Situation const& situation) {
    trimmer_.peer_unreachable(endpoint, situation);
  }
  // The catalogue is durable up to `save`.
  void saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out) {
    disposal_.saved(save, catalogue, situation, out);
  }
  // What is on the disk under this digest now is not known.
  [[nodiscard]] bool is_removing(Digest const& digest) const {
    return disposal_.is_removing(digest);
  }
  void tick(Catalogue& catalogue, Situation const& situation, Outages const& outages,
            WritesUnderWay const& writes, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;
  // All objects should be looked at again.
  [[nodiscard]] bool wants_rescan() { return trimmer_.wants_rescan(); }
  void add_sizes(std::size_t copies, TableSizes& out) const {
    verifier_.add_sizes(out);
    promises_.add_sizes(out);
    trimmer_.add_sizes(out);
    unreferenced_.add_sizes(copies, out);
    disposal_.add_sizes(out);
  }

 private:
  bool may_promise(Digest const& digest, Catalogue const& catalogue,
                   Situation const& situation) const;
  bool may_remove(Digest const& digest, WritesUnderWay const& writes, Instant now) const;
  void trim(Catalogue& catalogue, Situation const& situation, WritesUnderWay const& writes,
            Effects& out);
  void remove_unreferenced(Catalogue& catalogue, Situation const& situation,
                           WritesUnderWay const& writes, Effects& out);
  void scrub(Catalogue const& catalogue, Situation const& situation);
  void answer(Verifier::Asker const& asker, Digest const& digest, Catalogue const& catalogue,
              Situation const& situation, Effects& out);

  Duration promise_;
  std::optional<std::string> scratch_prefix_;
  Verifier verifier_;
  ScrubSchedule scrub_schedule_;
  Promises promises_;
  Trimmer trimmer_;
  Unreferenced unreferenced_;
  Disposal disposal_;
  bool may_remove_any_ = false;  // as of the last tick
  Instant next_removal_{};       // of an unreferenced copy: a pause after one that must wait
  std::optional<Instant> next_scrub_;
};

}  // namespace chisme::cluster
