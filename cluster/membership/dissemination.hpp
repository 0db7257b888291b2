#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/sizes.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// Dissemination holds the records that are worth telling and hands them out for datagrams: the most
// urgent kind first, within a kind those told least often (SWIM, 4.1). The order is own refutation,
// dead and left, alive, suspect, catalogue records, loads.
//
// A record is told 4 * ceil(log10(N + 1)) times, a load 4 times, then forgotten; of catalogue
// records, of which there may be many, `changes_told_max` times at most: anti-entropy brings what a
// node missed, and once all are level the rest is forgotten. News about a node replaces what is
// queued about it; suspicions by different accusers stand beside each other, because they confirm
// each other.
//
// Bounds: `records_max` of each kind; a full kind drops what was told most often. Loads grow older
// while they wait. Pure; one thread owns it.
class Dissemination {
 public:
  static constexpr std::size_t records_max = 4096;
  static constexpr unsigned changes_told_max = 6;

  explicit Dissemination(NodeId self) : self_(self) {}

  void add(Record record, Instant now);

  // Everybody knows the catalogue records by now.
  void forget_changes();

  // Appends to `out` what fits into `bytes` encoded bytes, in a cluster of `members`.
  void take(std::size_t bytes, std::size_t members, Instant now, std::vector<Record>& out);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  // Something other than loads waits.
  [[nodiscard]] bool has_news() const { return size_ > loads(); }
  [[nodiscard]] std::size_t loads() const { return count_of(Urgency::load); }
  [[nodiscard]] std::size_t size() const { return size_; }
  // Of the fullest kind.
  void add_sizes(TableSizes& out) const {
    out.push_back({"records to be gossiped", std::ranges::max(counts_), records_max});
  }

 private:
  enum class Urgency : std::uint8_t { own, dead, alive, suspect, catalogue, load };
  static constexpr std::size_t urgencies = 6;
  static constexpr unsigned told_max = 16;  // with `members_max` members
  // Entries lie side by side and refer to each other by index: whoever walks over a tree of them
  // waits for memory at every step, in a large cluster.
  using Index = std::uint32_t;
  static constexpr Index none = std::numeric_limits<Index>::max();
  struct Entry {
    Record record;
    std::size_t bytes = 0;
    Instant added{};
    Urgency urgency{};
    unsigned sent = 0;
    Index before = none;  // in its queue
    Index after = none;   // in its queue, or among the free
    Index next = none;    // with the same hash
  };
  // Those that were told equally often, in the order in which that came to be.
  struct Queue {
    Index first = none;
    Index last = none;
  };

  [[nodiscard]] Urgency urgency_of(Record const& record) const;
  [[nodiscard]] std::size_t count_of(Urgency urgency) const {
    return counts_[static_cast<std::size_t>(urgency)];
  }
  [[nodiscard]] Queue& queue_of(Entry const& entry) {
    return queues_[static_cast<std::size_t>(entry.urgency)][entry.sent];
  }
  void remove_superseded_by(Record const& record);
  void remove(Index at);
  void make_room(Urgency urgency);
  void told(Index at, std::size_t members);
  [[nodiscard]] Record told_copy(Entry const& entry, Instant now) const;

  void enqueue(Index at);
  void dequeue(Index at);
  [[nodiscard]] Index& bucket_of(Record const& record);
  void unlink(Index at);
  void grow();

  NodeId self_;
  std::size_t size_ = 0;
  std::vector<Entry> entries_;
  Index free_ = none;
  std::vector<Index> buckets_;  // a power of two, at least as many as entries
  std::array<std::array<Queue, told_max>, urgencies> queues_{};
  std::array<std::size_t, urgencies> counts_{};
};

}  // namespace chisme::cluster
