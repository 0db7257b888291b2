#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/core.hpp"
#include "tests/simulation/file_system.hpp"

namespace chisme::simulation {

// Disk is a node's data directory. It is written in the steps of the node's real stores, so that a
// step that is forgotten, a sync above all, loses here what it would lose there:
//
//   identity   node.toml: a new file, synced, renamed over the old one, its directory synced
//   objects    staging/N, synced, renamed to objects/ab/DIGEST-SIZE, that directory synced
//   catalogue  a journal of frames with checksums: appended, then synced
//
// What is looked up is what the process has in memory, as the real object store does it; after a
// loss of power it is what the next start will find.
class Disk {
 public:
  // Of a new, empty data directory for the node `id`.
  explicit Disk(NodeId id);

  [[nodiscard]] NodeId id() const { return id_; }
  // Raised and synced at every start.
  Epoch next_epoch();

  // One frame of the journal: all or nothing. It is safe when the journal is synced.
  void append(cluster::SaveCatalogue const& save);
  // Makes the oldest `frames` that are not safe yet safe.
  void sync_journal(std::size_t frames);
  // The record of `name` that is safe; nullptr: there is none.
  [[nodiscard]] cluster::CatalogueRecord const* saved(std::string const& name) const;
  // Replaces it at once: a new file, synced, renamed over the old one, its directory synced.
  void save_access(cluster::AccessNews all) { access_ = std::move(all); }
  void save_peers(std::vector<cluster::KnownPeer> peers) { peers_ = std::move(peers); }

  // The steps of keeping an object, in this order. The last one makes it count.
  std::string stage(cluster::ObjectStored const& object);
  void sync_staged(std::string const& staged);
  void publish(std::string const& staged, cluster::ObjectStored const& object);
  void sync_published(cluster::ObjectStored const& object);
  // Unlinks it, and syncs the directory; but not a copy that was published in its place since.
  void remove(Digest const& digest);

  [[nodiscard]] bool holds(Digest const& digest) const { return objects_.contains(digest); }
  // Holds it, and its bytes are those of its digest.
  [[nodiscard]] bool is_intact(Digest const& digest) const;
  [[nodiscard]] std::map<Digest, ByteCount> const& objects() const { return objects_; }
  // Its bytes change without a word.
  void rot(Digest const& digest);

  // What is not synced is lost with the probability `lost`, or torn.
  void lose_power(Random& random, double lost);
  [[nodiscard]] cluster::StoredState load(WallTime wall) const;
  [[nodiscard]] std::vector<cluster::KnownPeer> const& peers() const { return peers_; }

 private:
  // A name has one change, an object one per holder.
  using Subject = std::tuple<std::string, Digest, NodeId>;

  void write_identity();
  void apply(cluster::SaveCatalogue const& frame);
  void scan();

  NodeId id_;
  Epoch epoch_{0};
  FileSystem files_;
  std::map<Digest, ByteCount> objects_;
  std::set<Digest> arriving_;  // published, not synced yet
  std::uint64_t next_staged_ = 0;
  std::map<Subject, cluster::CatalogueRecord> records_;
  std::map<std::tuple<NodeId, cluster::LogKind>, cluster::LogPosition> positions_;
  cluster::StoredHorizon horizon_;
  std::deque<cluster::SaveCatalogue> unsynced_;
  std::vector<cluster::KnownPeer> peers_;
  cluster::AccessNews access_;
};

}  // namespace chisme::simulation
