#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// LogIndex finds the current records of each log in the order in which they were written.
//
// It keeps 16 bytes for each: the sequence, and a number by which its owner finds the record.
// Records mostly come in order; one that comes late is inserted, one that is superseded leaves a
// hole, and holes go when they are half of a log's epoch. So adding at the end and removing cost
// O(log n) amortised, adding in the middle what it takes to move the rest. Pure; one thread.
class LogIndex {
 public:
  struct Entry {
    LogPosition at;
    std::uint64_t record = 0;
  };

  // REQUIRES: sequence < 2^63. Two records may have one place (two nodes with a cloned disk).
  void add(LogPosition const& at, std::uint64_t record);
  // From now on until `settle`, `add` may put things out of order: for many records at once.
  void load() { is_loading_ = true; }
  void settle();
  // REQUIRES: it is there.
  void remove(LogPosition const& at, std::uint64_t record);
  // Does the log have any current record?
  [[nodiscard]] bool has(NodeId writer, LogKind log) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // Calls `visit(entry)` for the records of the log of `after` that come after it, in order, until
  // it returns false. False if it did.
  template <class Visit>
  bool walk_after(LogPosition const& after, Visit&& visit) const {
    auto part = parts_.lower_bound({after.writer, after.log, after.epoch});
    for (; part != parts_.end() && is_of(part->first, after); ++part) {
      bool const first = part->first.epoch == after.epoch;
      for (std::size_t i = first ? part->second.find_after(after.sequence) : 0;
           i < part->second.items.size(); ++i) {
        Item const& item = part->second.items[i];
        if (!item.live) continue;
        LogPosition const at{after.writer, after.log, part->first.epoch, item.sequence};
        if (!visit(Entry{at, item.record})) return false;
      }
    }
    return true;
  }
  // Each log that has current records, in order of writer and log.
  template <class Visit>
  void walk_logs(Visit&& visit) const {
    for (auto part = parts_.begin(); part != parts_.end();) {
      auto const [writer, log, epoch] = part->first;
      visit(writer, log);
      part = parts_.upper_bound({writer, log, Epoch{~std::uint32_t{0}}});
    }
  }

 private:
  struct Key {
    NodeId writer;
    LogKind log = LogKind::names;
    Epoch epoch;
    friend auto operator<=>(Key const&, Key const&) = default;
  };
  struct Item {
    std::uint64_t sequence : 63;
    std::uint64_t live : 1;
    std::uint64_t record;
  };
  struct Part {
    std::vector<Item> items;
    std::size_t holes = 0;
    // The first that comes after `sequence`.
    [[nodiscard]] std::size_t find_after(std::uint64_t sequence) const;
  };
  static bool is_of(Key const& key, LogPosition const& at) {
    return key.writer == at.writer && key.log == at.log;
  }

  std::map<Key, Part> parts_;  // none is without a current record
  std::uint64_t size_ = 0;
  bool is_loading_ = false;
};

}  // namespace chisme::cluster
