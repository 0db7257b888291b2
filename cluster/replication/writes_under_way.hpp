#pragma once

#include "cluster/replication/write_coordinator.hpp"
#include "cluster/replication/write_participant.hpp"

namespace chisme::cluster {

// The writes that this node takes part in and that are not decided yet: what they are about to name
// must not be removed, although no name refers to it. Valid for one call.
struct WritesUnderWay {
  WriteCoordinator const& taken_here;
  WriteParticipant const& taken_elsewhere;

  // O(writes under way).
  [[nodiscard]] bool name(Digest const& digest) const {
    return taken_here.names(digest) || taken_elsewhere.names(digest);
  }
};

}  // namespace chisme::cluster
