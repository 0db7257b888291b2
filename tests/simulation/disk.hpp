#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/core.hpp"

namespace chisme::simulation {

// Disk is what a node finds when it starts again: only what was synced. It keeps what the node's
// real stores keep: each name's newest change, each copy's newest Have or Drop, the log positions,
// the objects, the epoch and the peers.
class Disk {
 public:
  // Of a new, empty disk for the node `id`.
  explicit Disk(NodeId id) : id_(id) {}

  [[nodiscard]] NodeId id() const { return id_; }
  // Raised and synced at every start.
  Epoch next_epoch() { return epoch_ = Epoch{epoch_.value() + 1}; }

  // All or nothing.
  void save(std::span<cluster::CatalogueRecord const> records,
            std::span<cluster::LogPosition const> positions);
  void save_peers(std::vector<Endpoint> peers) { peers_ = std::move(peers); }
  void store(cluster::ObjectStored const& object) { objects_[object.digest] = object.size; }
  void remove(Digest const& digest) { objects_.erase(digest); }

  [[nodiscard]] bool holds(Digest const& digest) const { return objects_.contains(digest); }
  [[nodiscard]] cluster::StoredState load(WallTime wall) const;
  [[nodiscard]] std::vector<Endpoint> const& peers() const { return peers_; }

 private:
  // A name has one change, an object one per holder.
  using Subject = std::tuple<std::string, Digest, NodeId>;

  NodeId id_;
  Epoch epoch_{0};
  std::map<Subject, cluster::CatalogueRecord> records_;
  std::map<std::tuple<NodeId, cluster::LogKind>, cluster::LogPosition> positions_;
  std::map<Digest, ByteCount> objects_;
  std::vector<Endpoint> peers_;
};

}  // namespace chisme::simulation
