#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/catalogue/persistent_table.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// A file as the catalogue has it: its current version and who holds its object.
struct FileEntry {
  PutRecord put;
  std::vector<NodeId> holders;  // ordered by id; alive or not
};

// The newest word of one holder on one object: a Have or a Drop.
struct Holding {
  NodeId holder;
  std::uint64_t sequence = 0;
  Epoch epoch;
  bool has = false;
  [[nodiscard]] Dot dot() const { return {holder, epoch, sequence}; }
};
// An object and its holdings, ordered by holder.
struct HeldObject {
  Digest digest;
  ByteCount size;
  std::vector<Holding> holdings;
};

// CatalogueSnapshot is the whole catalogue at one moment. Copying it copies two pointers; it never
// changes, so any thread may read it.
class CatalogueSnapshot {
 public:
  // The current version of `name`; nullopt when it never existed or was removed.
  [[nodiscard]] std::optional<FileEntry> find(std::string_view name) const;
  // Files in order of name: those that begin with `prefix` and come after `after`, at most `limit`.
  [[nodiscard]] std::vector<FileEntry> list(std::string_view prefix, std::string_view after,
                                            std::size_t limit) const;
  [[nodiscard]] std::vector<NodeId> holders(Digest const& digest) const;
  // The newest change of each name, in order of name: tombstones are among them.
  [[nodiscard]] std::vector<CatalogueRecord> newest_changes() const;
  // Calls `visit(record)` for each of these. A record stays where it is from one snapshot to the
  // next, as long as it is the newest and a snapshot with it exists.
  template <class Visit>
  void walk_newest(Visit&& visit) const {
    names_.walk([&](CatalogueRecord const& newest) {
      visit(newest);
      return true;
    });
  }
  // Calls `visit(put)` for each file whose name begins with `prefix` and is not less than `from`,
  // in order of name. A put stays where it is while this snapshot, or a copy of it, exists.
  template <class Visit>
  void walk_files(std::string_view prefix, std::string_view from, Visit&& visit) const {
    names_.walk_from(std::max(prefix, from), [&](CatalogueRecord const& newest) {
      std::string const& name = name_of(newest);
      // Names with a prefix are neighbours: after the first that lacks it, none has it.
      if (!name.starts_with(prefix)) return std::string_view{name} < prefix;
      if (auto const* const put = std::get_if<PutRecord>(&newest.change)) visit(*put);
      return true;
    });
  }
  // Whether it has the very same files, as far as that can be told at once.
  [[nodiscard]] bool has_same_names(CatalogueSnapshot const& other) const {
    return names_.is_copy_of(other.names_);
  }
  // The same, and who has said what of their objects.
  [[nodiscard]] bool has_same_files(CatalogueSnapshot const& other) const {
    return has_same_names(other) && objects_.is_copy_of(other.objects_);
  }
  // The newest change of `name`, be it its removal; nullptr when there is none.
  [[nodiscard]] CatalogueRecord const* newest(std::string_view name) const {
    return names_.find(name);
  }
  // Files, tombstones not counted.
  [[nodiscard]] std::uint64_t size() const { return files_; }
  // Objects that somebody has, or has said that he does no longer.
  [[nodiscard]] std::size_t objects() const { return objects_.size(); }

 private:
  friend class RecordTables;
  struct NameOf {
    std::string const& operator()(CatalogueRecord const& record) const { return name_of(record); }
  };
  struct DigestOf {
    Digest const& operator()(HeldObject const& object) const { return object.digest; }
  };
  // The newest change of each name: a Put, or a Delete kept as a tombstone.
  PersistentTable<CatalogueRecord, NameOf> names_;
  // Who holds each object, or said that he does no longer.
  PersistentTable<HeldObject, DigestOf> objects_;
  std::uint64_t files_ = 0;
};

}  // namespace chisme::cluster
