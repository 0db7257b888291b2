#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/catalogue/hybrid_clock.hpp"
#include "cluster/catalogue/log_positions.hpp"
#include "cluster/catalogue/record_tables.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/sizes.hpp"

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
// newest record of each subject (RecordTables). Merging is commutative, associative and idempotent.
// Superseded records are neither kept nor sent: a log goes back as far as its oldest current
// record, and is never truncated before it, so that a digest of any age is answered with all that
// its sender lacks and still counts. What positions cannot show (they agree, but contents do not)
// is found by range sync (range_sync.hpp).
//
// A removed name, or copy, stays as a tombstone until the horizon passes it (horizon.hpp): then all
// members have it, and each forgets it on hearing so. After that the floors of the horizon stand in
// its place: a record that is not after them, and of whose subject nothing is known, was superseded
// and is refused. A node that has not everything before the floors (it was away for longer than
// tombstones are kept, was forgotten, lost its disk, or is new) forgets all that is before them,
// says anew what it holds, and is *filling* until it has been told everything before them by nodes
// with the same horizon; meanwhile it takes nothing from before the floors from any other. What a
// writer wrote of whom the horizon does not speak came after it, or in another cluster: it stays.
//
// Others may see a record of this node only once it is durable here. A record of another node is
// passed on at once.
//
// Dots are never given twice, as long as there is one disk of each identity. A node that runs from
// an older copy of its disk would give them twice, and what it wrote would be taken for superseded:
// nobody helps it to write (`is_stale`), and it ends as soon as it hears how far its log has come
// (`is_outlived`).
//
// Pure; one thread owns it. Its snapshots may be read by any thread.
class Catalogue {
 public:
  using ObjectUse = cluster::ObjectUse;

  // Takes what is on disk for true: objects without a Have get one, Haves without an object a Drop.
  Catalogue(NodeId self, Epoch epoch, StoredCatalogue stored, Instant now);
  // Of this run.
  [[nodiscard]] Epoch epoch() const { return epoch_; }

  // ---- What is known
  [[nodiscard]] CatalogueSnapshot const& snapshot() const { return tables_.snapshot(); }
  // The newest record of `name`, maybe a tombstone; nullptr when there is none. Valid until it
  // changes.
  [[nodiscard]] CatalogueRecord const* newest(std::string_view name) const {
    return tables_.newest(name);
  }
  // The same, unless it is a tombstone.
  [[nodiscard]] PutRecord const* file(std::string_view name) const;
  // The Have of `holder`; nullopt when it does not have the object.
  [[nodiscard]] std::optional<CatalogueRecord> holding(Digest const& digest, NodeId holder) const;
  // Objects that some name refers to, in order.
  [[nodiscard]] std::map<Digest, ObjectUse> const& objects() const { return tables_.objects(); }
  // The verified copies on the local disk.
  [[nodiscard]] std::map<Digest, ByteCount> const& local() const { return local_; }
  [[nodiscard]] bool is_local(Digest const& digest) const { return local_.contains(digest); }
  // A hash of all current records: equal where, and (but for collisions) only where,
  // the contents are. Carried by Gossip.
  [[nodiscard]] std::uint64_t fingerprint() const { return tables_.fingerprints().all(); }
  [[nodiscard]] RecordTables const& tables() const { return tables_; }
  // Moves whenever the snapshot does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  // ---- This node's own records
  void set_wall(WallTime wall, Instant now) { clock_.set_wall(wall, now); }
  [[nodiscard]] WallTime wall(Instant now) const { return clock_.wall(now); }
  // A version for a write of `name`, newer than any of it, and of `newer_than`, that is known here.
  [[nodiscard]] Version next_version(std::string const& name, Instant now,
                                     std::string_view newer_than = {});
  // A holder refuses to acknowledge a write from so far in the future.
  [[nodiscard]] bool is_too_far_ahead(std::string_view name, Version const& version,
                                      Instant now) const;
  // A copy came to the local disk, or went. Appends a Have or Drop where the log does not say so.
  void object_stored(ObjectStored const& object);
  void object_removed(Digest const& digest);
  // Says anew, under a new dot, that this node has the object.
  void say_again(Digest const& digest);
  // The next record of the names log, not yet part of the catalogue. Ended by `finish` or
  // `discard`.
  [[nodiscard]] CatalogueRecord draft(Change change);
  // Has the next `save` make the record durable; it stays invisible.
  void persist(CatalogueRecord const& record);
  // The draft, durable here, becomes part of the catalogue and is spread.
  void finish(CatalogueRecord const& draft, Instant now, Effects& out);
  // No other node has seen the draft, nor will.
  void discard(CatalogueRecord const& draft);

  // Records of this node are known that it has not written in this run, nor in one before: it has
  // an older copy of its disk. Once true it stays so; a start, with a later epoch, mends it.
  [[nodiscard]] bool is_outlived() const { return is_outlived_; }

  // ---- Other nodes' records
  // A record that is new to its writer cannot be one: the log is known to have come further, by a
  // later start of the writer or by the horizon. Others would take it for superseded.
  [[nodiscard]] bool is_stale(CatalogueRecord const& record) const;
  // Who tells a record: anybody, a node with the same horizon as this one, or one that also has
  // everything before the floors. What the last one has of this node's own words counts: they may
  // have been lost with the power, and yet told how far the log had come.
  enum class Source { any, same_horizon, level };
  // Merges a record that came alone. True when it was news.
  bool merge(CatalogueRecord const& record, Instant now, Effects& out);
  // Merges a record that was made durable by `persist`.
  void adopt(CatalogueRecord const& record, Instant now, Effects& out);
  // Merges an answer of anti-entropy.
  void merge(CatalogueDelta const& delta, Source source, Instant now, Effects& out);
  // Merges what range sync brought. Returns how much was news.
  std::size_t merge(std::span<CatalogueRecord const> records, Source source, Instant now,
                    Effects& out);
  // How far this node has each log; at most `positions_max`.
  [[nodiscard]] std::vector<LogPosition> positions() const;
  static constexpr std::size_t positions_max = 4 * members_max;
  // As `positions`, but of this node's own logs only what it had on disk when it started: so asks a
  // node that may have lost the end of its own logs.
  [[nodiscard]] std::vector<LogPosition> positions_at_start() const;
  // A word on this node's copies which whoever has everything before the floors would refuse, since
  // it does not have it: it stands under a dot that another copy of this node's disk used as well.
  [[nodiscard]] bool is_forgotten_by_others(CatalogueRecord const& record) const;
  // Is there nothing to learn from somebody who has these?
  [[nodiscard]] bool has_all(std::vector<LogPosition> const& positions) const;
  // What the sender of `have` lacks, as much as fits one message.
  [[nodiscard]] CatalogueDelta delta_for(std::vector<LogPosition> const& have) const;

  // ---- Tombstones
  [[nodiscard]] Horizon const& horizon() const { return horizon_.horizon; }
  [[nodiscard]] bool is_filling() const { return horizon_.filling; }
  // Takes over a later horizon: collects what it covers. Positions of writers that are not among
  // `members`, of whom no record is left and of whom the horizon does
  // not speak are forgotten: a catalogue knows the positions of its members, of those whose records
  // are still current, and of those that went since the last horizon but one.
  void adopt(Horizon const& horizon, std::span<NodeId const> members, Instant now, Effects& out);

  // ---- Durability and spreading
  // Emits SaveCatalogue for all that is not durable yet. Returns the id whose CatalogueSaved (or a
  // later one) says that it is; no effect when there is nothing to save.
  SaveId save(Effects& out);
  // Nothing will be durable any more: from now on `save` has no effect and returns an id that is
  // never saved. What others told is still merged; what this node changes is told to nobody.
  void fence();
  // `save`, when records have waited long enough or are many.
  void save_if_due(Instant now, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const { return save_due_; }
  // Saves complete in order: this one and all before it are durable.
  void saved(SaveId save);
  [[nodiscard]] bool is_saved(SaveId save) const { return save <= durable_; }
  // Others may see this current record: it is not one of this node's that is not durable yet.
  [[nodiscard]] bool may_be_shown(CatalogueRecord const& record) const;
  // This node's Have, once others may see it; else nullopt.
  [[nodiscard]] std::optional<CatalogueRecord> durable_holding(Digest const& digest) const;
  // Records that others should hear of, once each; long ones are left to anti-entropy.
  [[nodiscard]] std::vector<CatalogueRecord> take_fresh() { return std::exchange(fresh_, {}); }
  // Objects whose holders or names changed since the last call.
  [[nodiscard]] std::set<Digest> take_touched() { return tables_.take_touched(); }
  // Objects that lost their last name since the last call, with that name.
  [[nodiscard]] auto take_unnamed() { return tables_.take_unnamed(); }
  void add_sizes(TableSizes& out) const;

 private:
  using Log = std::pair<NodeId, LogKind>;

  bool apply(CatalogueRecord const& record);
  bool learn(CatalogueRecord const& record, Source source, Instant now, Effects& out);
  bool take_in(CatalogueRecord const& record, Source source, Instant now, Effects& out);
  void pass_on(std::vector<CatalogueRecord const*> const& news);
  void announce(CatalogueRecord const& record, Effects& out) const;
  void append_holding(Change change);
  void reconcile();
  void reconcile(Digest const& digest);
  void pend(CatalogueRecord const& record, bool spread);
  void spread(CatalogueRecord const& record);
  void close(LogKind log, std::uint64_t sequence);
  void see_own(LogPosition const& at);
  void end_draft(CatalogueRecord const& draft);
  [[nodiscard]] bool is_open(LogPosition const& at) const;
  // Of everything up to here in the log this node can say what is current.
  [[nodiscard]] LogPosition position(NodeId writer, LogKind log) const;
  [[nodiscard]] std::vector<Log> known_logs() const;
  void set_horizon(StoredHorizon stored);
  [[nodiscard]] bool is_below_floor(LogPosition const& at) const;
  [[nodiscard]] bool is_gone(LogPosition const& at) const;
  [[nodiscard]] bool is_refused(CatalogueRecord const& record, Source source) const;
  [[nodiscard]] bool is_superfluous(CatalogueRecord const& record, bool behind) const;
  void cover(LogPosition const& through);
  void forget(CatalogueRecord const& record);
  void begin_filling();
  void forget_positions(std::span<NodeId const> members);

  NodeId self_;
  Epoch epoch_;
  HybridClock clock_;
  RecordTables tables_;
  std::map<Digest, ByteCount> local_;
  LogPositions positions_;
  std::array<LogPosition, 2> own_at_start_;
  std::uint64_t changes_ = 0;

  StoredHorizon horizon_;
  LogPositions floors_;  // those of `horizon_`
  LogPositions gone_;
  std::set<Log> lacking_;  // while filling: logs of which not everything before the floor came yet

  // This node's logs: the last sequence given, and those that others may not see yet.
  std::array<std::uint64_t, 2> last_sequence_{};
  std::array<std::set<std::uint64_t>, 2> open_;
  bool is_outlived_ = false;
  // The greatest version time among the open drafts of a name, and how many there are.
  std::map<std::string, std::pair<std::uint64_t, unsigned>, std::less<>> drafted_;

  std::vector<CatalogueRecord> unsaved_;
  std::vector<CatalogueRecord> unsaved_forgotten_;
  bool horizon_unsaved_ = false;
  std::vector<CatalogueRecord> spread_when_saved_;
  std::map<SaveId, std::vector<CatalogueRecord>> saving_;
  SaveId last_save_;
  SaveId durable_;
  std::optional<Instant> save_due_;
  bool fenced_ = false;
  Instant now_{};  // of the last call that told it
  std::vector<CatalogueRecord> fresh_;
};

// Does someone who claims `positions` have everything up to each of `floors`?
[[nodiscard]] bool covers(std::vector<LogPosition> const& positions,
                          std::vector<LogPosition> const& floors);
// An upper bound on a record's encoded size, and what records may take of a message: half of it
// leaves room for the positions and marks beside them.
[[nodiscard]] std::size_t size_bound(CatalogueRecord const& record);
inline constexpr std::size_t delta_bytes_max = stream_message_bytes_max / 2;

// There may be more where this came from: the answer filled a message.
[[nodiscard]] bool is_full(CatalogueDelta const& delta);

}  // namespace chisme::cluster
