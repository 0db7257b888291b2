#pragma once

#include <cstdint>
#include <deque>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// WriteParticipant answers CommitWrite: the other side of WriteCoordinator.
//
// It saves the record, and once that, and for a Put this node's own Have, are on disk, merges it
// and answers. When it has a newer version of the name already, the writer is told which
// (WriteSuperseded): its clock is slow, or it has not heard. It refuses when it does not have the
// object, or when the version is further in the future than the clock allows. It says nothing when
// it loses the object while it saves: a refusal promises that the record was not taken. Asked
// again, it saves and answers again. At most `waiting_max` (Limits::commits) answers wait for the
// disk; more are refused.
//
// Pure; one thread owns it.
class WriteParticipant {
 public:
  explicit WriteParticipant(std::size_t waiting_max) : waiting_max_(waiting_max) {}

  void handle(Envelope const& from, CommitWrite const& commit, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  // Answers that the record was not taken.
  static void refuse(Envelope const& from, CommitWrite const& commit, Effects& out);
  // A record that waits for the disk names this object.
  [[nodiscard]] bool names(Digest const& digest) const;
  // The catalogue is durable up to `save`.
  void saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out);
  void add_sizes(TableSizes& out) const {
    out.push_back({"commits that wait", waiting_.size(), waiting_max_, is_work});
  }

 private:
  struct Waiting {
    SaveId save;
    Endpoint to;
    CommitWrite commit;
  };
  std::size_t waiting_max_;
  std::deque<Waiting> waiting_;  // in order of `save`
};

}  // namespace chisme::cluster
