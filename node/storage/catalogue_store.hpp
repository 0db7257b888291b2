#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/effect.hpp"
#include "cluster/wire/messages.hpp"
#include "node/storage/fence.hpp"

namespace chisme::node {

// CatalogueStore keeps the catalogue in DATA/catalogue.sqlite (WAL, synchronous=FULL): for each
// name its newest change, for each (object, holder) the newest Have or Drop, each writer's log
// position, the horizon up to which tombstones were collected, and the peers to call at the next
// start.
//
// One thread at a time; calls block on the disk. A save is all or nothing, and synced on return.
// Any failure but no_space and busy closes the fence: what it left on the disk is not known, so
// nothing more is saved (Fault: unavailable). So does a checkpoint that fails, of which SQLite
// itself says nothing.
class CatalogueStore {
 public:
  struct Contents {
    std::vector<cluster::CatalogueRecord> records;
    std::vector<cluster::LogPosition> positions;
    cluster::StoredHorizon horizon;
    std::vector<cluster::KnownPeer> peers;
  };

  // Faults: corrupt (with a sentence that says what to do: the file is left as it is), io,
  // no_space.
  [[nodiscard]] static Result<std::unique_ptr<CatalogueStore>> open(
      std::filesystem::path data, std::shared_ptr<Fence> fence = std::make_shared<Fence>());
  ~CatalogueStore();

  [[nodiscard]] Result<Contents> load();
  // Replaces what the records supersede and deletes what is to be forgotten, save by save. Many may
  // be given at once (group commit).
  [[nodiscard]] Result<void> save(std::span<cluster::SaveCatalogue const> saves);
  [[nodiscard]] Result<void> save_peers(std::span<cluster::KnownPeer const> peers);

 private:
  struct State;
  explicit CatalogueStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace chisme::node
