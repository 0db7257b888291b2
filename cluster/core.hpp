#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/sizes.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// What a node finds on its own disk when it starts.
struct StoredState {
  std::vector<CatalogueRecord> records;
  std::vector<LogPosition> positions;
  std::vector<ObjectStored> objects;  // the verified copies that exist
  WallTime wall{};                    // what its wall clock says
  StoredHorizon horizon;              // as last saved
  AccessNews access;                  // as last saved
};

// Core is one node's whole protocol: membership, load, catalogue, replication and repair. It is a
// deterministic function of what it is told: bytes and time in, effects out.
//
// The host carries effects out in the order in which they are appended; whatever takes time is an
// effect answered by an input. The host keeps one timer, for `deadline()`.
//
// Pure: no socket, file, clock or thread. One thread owns it. Never throws. Routes; holds no
// policy.
class Core {
 public:
  Core(CoreConfig config, Self self, StoredState stored, Random random, Instant now);
  ~Core();
  Core(Core&&) noexcept;

  // Something happened.
  void handle(Input input, Instant now, Effects& out);
  // The deadline has passed. Calling it early is harmless.
  void tick(Instant now, Effects& out);
  // When `tick` must next be called; nullopt when nothing is scheduled.
  [[nodiscard]] std::optional<Instant> deadline() const;

  // Moves whenever `view` would differ in more than load figures.
  [[nodiscard]] std::uint64_t view_number() const;
  [[nodiscard]] ClusterView view(Instant now) const;
  // For whoever watches that promises are kept, between calls of the above: how full all bounded
  // tables and queues are, whether it has forgotten what it had for a later horizon and is being
  // told again what of it counts, and the members of which the last call learned something.
  [[nodiscard]] TableSizes sizes() const;
  [[nodiscard]] bool is_filling() const;
  [[nodiscard]] std::vector<MemberView> changed_members() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace chisme::cluster
