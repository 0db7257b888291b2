#pragma once

#include <cstdint>
#include <deque>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::cluster {

// WriteParticipant answers CommitWrite: the other side of WriteCoordinator.
//
// It saves the record, and once that, and for a Put this node's own Have, are on disk, merges it
// and answers. When it has a newer version of the name already, the writer is told which
// (WriteSuperseded): its clock is slow, or it has not heard. It refuses when it does not have the
// object, or when the version is further in the future than the clock allows. It says nothing when
// it loses the object while it saves: a refusal promises that the record was not taken. Asked
// again, it saves and answers again. At most `waiting_max` answers wait for the disk; more are
// refused.
//
// Pure; one thread owns it.
class WriteParticipant {
 public:
  static constexpr std::size_t waiting_max = 4096;

  void handle(Envelope const& from, CommitWrite const& commit, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  // A record that waits for the disk names this object.
  [[nodiscard]] bool names(Digest const& digest) const;
  // The catalogue is durable up to `save`.
  void saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out);

 private:
  struct Waiting {
    SaveId save;
    Endpoint to;
    CommitWrite commit;
  };
  std::deque<Waiting> waiting_;  // in order of `save`
};

}  // namespace chisme::cluster
