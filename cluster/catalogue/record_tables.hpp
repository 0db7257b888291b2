#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/catalogue/log_index.hpp"
#include "cluster/catalogue/slots.hpp"
#include "cluster/catalogue/snapshot.hpp"

namespace chisme::cluster {

// Why an object is kept: the names whose current version it is, in order.
class NameList {
 public:
  using value_type = std::string;
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using pointer = std::string const*;
    using reference = std::string const&;
    Iterator() = default;
    explicit Iterator(CatalogueRecord const* const* at) : at_(at) {}
    reference operator*() const { return name_of(**at_); }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator{at_++}; }
    friend bool operator==(Iterator const&, Iterator const&) = default;

   private:
    CatalogueRecord const* const* at_ = nullptr;
  };
  using iterator = Iterator;
  using const_iterator = Iterator;
  [[nodiscard]] Iterator begin() const { return Iterator{puts_.data()}; }
  [[nodiscard]] Iterator end() const { return Iterator{puts_.data() + puts_.size()}; }
  [[nodiscard]] std::size_t size() const { return puts_.size(); }
  [[nodiscard]] bool empty() const { return puts_.empty(); }

 private:
  friend class RecordTables;
  // Current records, where the snapshot keeps them: each name is stored once.
  std::vector<CatalogueRecord const*> puts_;
};
struct ObjectUse {
  ByteCount size;
  NameList names;
};

// RecordTables holds the current records of all logs: the newest of each name (by version, so the
// last writer wins) and of each (object, holder) (by dot, for only the holder writes it), and what
// follows from them: which objects are in use, fingerprints, the order of the logs.
//
// `apply` is commutative, associative and idempotent. An update costs O(log n). A file with three
// copies takes about 800 bytes (tests/bench/catalogue_costs). Pure; one thread owns it. Its
// snapshots may be read by any thread.
class RecordTables {
 public:
  // Takes many records at once: what a disk holds. REQUIRES: nothing was applied yet.
  void load(std::vector<CatalogueRecord> records);
  // True when the record is now the current one of its subject, and was not.
  bool apply(CatalogueRecord const& record);
  // Forgets a current record as if nobody had written it. False when it is not current.
  bool erase(CatalogueRecord const& record);

  [[nodiscard]] CatalogueSnapshot const& snapshot() const { return snapshot_; }
  // nullptr when there is none; valid until the name's record changes.
  [[nodiscard]] CatalogueRecord const* newest(std::string_view name) const;
  // A Have or a Drop.
  [[nodiscard]] std::optional<CatalogueRecord> holding(Digest const& digest, NodeId holder) const;
  // The current record of the same subject.
  [[nodiscard]] std::optional<Dot> current_dot(CatalogueRecord const& record) const;
  // Objects that some name refers to, in order.
  [[nodiscard]] std::map<Digest, ObjectUse> const& objects() const { return uses_; }
  // Objects whose holders or names changed since the last call.
  [[nodiscard]] std::set<Digest> take_touched() { return std::exchange(touched_, {}); }
  // Objects that lost their last name since the last call, with that name. Some may have another by
  // now.
  struct Unnamed {
    std::string name;
    bool expired = false;  // its time was over: nobody removed it, or stored something else
  };
  [[nodiscard]] std::map<Digest, Unnamed> take_unnamed() { return std::exchange(unnamed_, {}); }
  // Files that expire (expiry.hpp), in the order of their times, then by name. A name is good until
  // its record changes.
  using Expiring = std::pair<WallTime, std::string_view>;
  [[nodiscard]] std::set<Expiring> const& expiring() const { return expiring_; }

  [[nodiscard]] SlotFingerprints const& fingerprints() const { return fingerprints_; }
  [[nodiscard]] LogIndex const& logs() const { return logs_; }
  [[nodiscard]] CatalogueRecord record_of(LogIndex::Entry const& entry) const;
  // Calls `visit(record)` for each record of the slot.
  template <class Visit>
  void walk_slot(std::uint16_t slot, Visit&& visit) const {
    for (CatalogueRecord const* const record : names_by_slot_[slot]) visit(*record);
    snapshot_.objects_.walk_from(first_digest(slot), [&](HeldObject const& object) {
      if (slot_of(object.digest) != slot) return false;
      for (Holding const& one : object.holdings) visit(record_of(object, one));
      return true;
    });
  }
  // Calls `visit(object)` for each object that somebody has spoken of, in order.
  template <class Visit>
  void walk_objects(Visit&& visit) const {
    snapshot_.objects_.walk([&](HeldObject const& object) {
      visit(object);
      return true;
    });
  }
  template <class Visit>
  void walk(Visit&& visit) const {
    snapshot_.names_.walk([&](CatalogueRecord const& record) {
      visit(record);
      return true;
    });
    walk_objects([&](HeldObject const& object) {
      for (Holding const& one : object.holdings) visit(record_of(object, one));
    });
  }

 private:
  using NamesTable = decltype(CatalogueSnapshot::names_);
  using ObjectsTable = decltype(CatalogueSnapshot::objects_);
  bool apply_name(CatalogueRecord const& record);
  bool apply_holding(CatalogueRecord const& record);
  using Use = std::pair<Digest, CatalogueRecord const*>;
  std::vector<Digest> load_uses(std::vector<Use> uses);
  void add_name(CatalogueRecord const* stored);
  void index_name(CatalogueRecord const* stored);
  void add_use(ObjectUse& use, CatalogueRecord const& stored);
  void remove_name(CatalogueRecord const& stored, bool expired = false);
  static CatalogueRecord record_of(HeldObject const& object, Holding const& holding);
  static Digest first_digest(std::uint16_t slot);

  CatalogueSnapshot snapshot_;
  std::map<Digest, ObjectUse> uses_;
  std::set<Digest> touched_;
  std::map<Digest, Unnamed> unnamed_;
  std::set<Expiring> expiring_;
  LogIndex logs_;
  SlotFingerprints fingerprints_;
  std::vector<std::vector<CatalogueRecord const*>> names_by_slot_{slot_count};
};

}  // namespace chisme::cluster
