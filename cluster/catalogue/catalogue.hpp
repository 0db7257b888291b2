#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/catalogue/hybrid_clock.hpp"
#include "cluster/catalogue/log_positions.hpp"
#include "cluster/catalogue/snapshot.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"

namespace chisme::cluster {

// What a node's disk holds of the catalogue when it starts.
struct StoredCatalogue {
  std::vector<CatalogueRecord> records;
  std::vector<LogPosition> positions;
  std::vector<ObjectStored> objects;  // the verified copies that exist
  WallTime wall{};
  StoredHorizon horizon;
};

// Catalogue is one node's copy of what all nodes have written: which version each name has and who
// holds each object.
//
// Every node writes two logs, names and holdings; a record is known by its dot. The state is the
// newest record of each name (by version, so the last writer wins) and of each (object, holder)
// (by dot, for only the holder writes it). Merging is commutative, associative and idempotent; a
// removed name stays as a tombstone. Superseded records are not kept and not sent, so a log is
// never "truncated": its current records are all that there is to know of it.
//
// Others may see a record of this node only once it is durable here. A record of another node is
// passed on at once.
//
// Pure; one thread owns it. Its snapshots may be read by any thread.
class Catalogue {
 public:
  // Why an object is kept: the names whose current version it is.
  struct ObjectUse {
    ByteCount size;
    std::set<std::string> names;
  };

  // Takes what is on disk for true: objects without a Have get one, Haves without an object a Drop.
  Catalogue(NodeId self, Epoch epoch, StoredCatalogue stored, Instant now);

  // ---- What is known
  [[nodiscard]] CatalogueSnapshot const& snapshot() const { return snapshot_; }
  // The newest record of `name`, maybe a tombstone; nullptr when there is none.
  [[nodiscard]] CatalogueRecord const* newest(std::string_view name) const;
  // The same, unless it is a tombstone.
  [[nodiscard]] PutRecord const* file(std::string_view name) const;
  // The Have of `holder`; nullptr when it does not have the object.
  [[nodiscard]] CatalogueRecord const* holding(Digest const& digest, NodeId holder) const;
  // Objects that some name refers to, in order.
  [[nodiscard]] std::map<Digest, ObjectUse> const& objects() const { return objects_; }
  [[nodiscard]] bool is_local(Digest const& digest) const { return local_.contains(digest); }
  // The copies on this node's disk, in order.
  [[nodiscard]] std::map<Digest, ByteCount> const& local() const { return local_; }
  // A hash of the dots of all current records: equal where, and (but for collisions) only where,
  // the contents are. Carried by Gossip.
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }
  // Moves whenever the snapshot does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  // ---- This node's own records
  void set_wall(WallTime wall, Instant now) { clock_.set_wall(wall, now); }
  [[nodiscard]] WallTime wall(Instant now) const { return clock_.wall(now); }
  // A version for a write of `name`, newer than any that is known here.
  [[nodiscard]] Version next_version(std::string const& name, Instant now);
  // A holder refuses to acknowledge a write from so far in the future.
  [[nodiscard]] bool is_too_far_ahead(std::string_view name, Version const& version,
                                      Instant now) const;
  // A copy came to the local disk, or went. Appends a Have or Drop where the log does not say so.
  void object_stored(ObjectStored const& object);
  void object_removed(Digest const& digest);
  // The next record of the names log, not yet part of the catalogue. Ended by `finish` or
  // `discard`.
  [[nodiscard]] CatalogueRecord draft(Change change);
  // Has the next `save` make the record durable; it stays invisible.
  void persist(CatalogueRecord const& record);
  // The draft, durable here, becomes part of the catalogue and is spread.
  void finish(CatalogueRecord const& draft, Instant now, Effects& out);
  // No other node has seen the draft, nor will.
  void discard(CatalogueRecord const& draft);

  // ---- Other nodes' records
  // Merges a record that came alone. True when it was news.
  bool merge(CatalogueRecord const& record, Instant now, Effects& out);
  // Merges a record that was made durable by `persist`.
  void adopt(CatalogueRecord const& record, Instant now, Effects& out);
  // Merges an answer of anti-entropy.
  void merge(CatalogueDelta const& delta, Instant now, Effects& out);
  [[nodiscard]] std::vector<LogPosition> positions() const;
  // As `positions`, but of this node's own logs only what it had on disk when it started: so asks a
  // node that may have lost the end of its own logs.
  [[nodiscard]] std::vector<LogPosition> positions_at_start() const;
  // What the sender of `have` lacks, as much as fits one message.
  [[nodiscard]] CatalogueDelta delta_for(std::vector<LogPosition> const& have) const;

  // ---- Durability and spreading
  // Emits SaveCatalogue for all that is not durable yet. Returns the id whose CatalogueSaved (or a
  // later one) says that it is; no effect when there is nothing to save.
  SaveId save(Effects& out);
  // `save`, when records have waited long enough or are many.
  void save_if_due(Instant now, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const { return save_due_; }
  // Saves complete in order: this one and all before it are durable.
  void saved(SaveId save);
  [[nodiscard]] bool is_saved(SaveId save) const { return save <= durable_; }
  // Others may see this current record: it is not one of this node's that is not durable yet.
  [[nodiscard]] bool may_be_shown(CatalogueRecord const& record) const;
  // This node's Have, once others may see it; else nullptr.
  [[nodiscard]] CatalogueRecord const* durable_holding(Digest const& digest) const;
  // Records that others should hear of, once each; long ones are left to anti-entropy.
  [[nodiscard]] std::vector<CatalogueRecord> take_fresh() { return std::exchange(fresh_, {}); }
  // Objects whose holders or names changed since the last call.
  [[nodiscard]] std::set<Digest> take_touched() { return std::exchange(touched_, {}); }

 private:
  using Subject = std::variant<std::string, Digest>;  // a name, or the object of a holding
  using Holding = std::pair<Digest, NodeId>;

  bool apply(CatalogueRecord const& record);
  bool apply_name(CatalogueRecord const& record);
  bool apply_holding(CatalogueRecord const& record);
  void index(CatalogueRecord const* old, CatalogueRecord const& record);
  void refer(CatalogueRecord const* old, CatalogueRecord const& record);
  void set_holder(Digest const& digest, NodeId holder, bool holds);
  bool learn(CatalogueRecord const& record, Instant now, Effects& out);
  bool take_in(CatalogueRecord const& record, Instant now, Effects& out);
  void announce(CatalogueRecord const& record, Effects& out) const;
  void append_holding(Change change);
  void reconcile();
  void reconcile(Digest const& digest);
  void pend(CatalogueRecord const& record, bool spread);
  void spread(CatalogueRecord const& record);
  void close(LogKind log, std::uint64_t sequence);
  void end_draft(CatalogueRecord const& draft);
  [[nodiscard]] CatalogueRecord const& record_of(LogPosition const& at,
                                                 Subject const& subject) const;
  [[nodiscard]] bool is_open(LogPosition const& at) const;

  NodeId self_;
  Epoch epoch_;
  HybridClock clock_;
  CatalogueSnapshot snapshot_;
  std::map<Holding, CatalogueRecord> holdings_;
  std::map<Digest, ObjectUse> objects_;
  std::map<Digest, ByteCount> local_;
  std::map<LogPosition, Subject> by_dot_;
  LogPositions positions_;
  std::array<LogPosition, 2> own_at_start_;
  std::uint64_t fingerprint_ = 0;
  std::uint64_t changes_ = 0;

  // This node's logs: the last sequence given, and those that others may not see yet.
  std::array<std::uint64_t, 2> last_sequence_{};
  std::array<std::set<std::uint64_t>, 2> open_;
  // The greatest version time among the open drafts of a name, and how many there are.
  std::map<std::string, std::pair<std::uint64_t, unsigned>, std::less<>> drafted_;

  std::vector<CatalogueRecord> unsaved_;
  std::vector<CatalogueRecord> spread_when_saved_;
  std::map<SaveId, std::vector<CatalogueRecord>> saving_;
  SaveId last_save_;
  SaveId durable_;
  std::optional<Instant> save_due_;
  Instant now_{};  // of the last call that told it
  std::vector<CatalogueRecord> fresh_;
  std::set<Digest> touched_;
};

// There may be more where this came from: the answer filled a message.
[[nodiscard]] bool is_full(CatalogueDelta const& delta);

}  // namespace chisme::cluster
