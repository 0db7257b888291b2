#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
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
// A record is told 4 * ceil(log10(N + 1)) times, a load 4 times, then forgotten: anti-entropy
// brings what a node missed. News about a node replaces what is queued about it; suspicions by
// different accusers stand beside each other, because they confirm each other.
//
// Bounds: `records_max` of each kind; a full kind drops what was told most often. Loads grow older
// while they wait. Pure; one thread owns it.
class Dissemination {
 public:
  static constexpr std::size_t records_max = 4096;

  explicit Dissemination(NodeId self) : self_(self) {}

  void add(Record record, Instant now);

  // Appends to `out` what fits into `bytes` encoded bytes, in a cluster of `members`.
  void take(std::size_t bytes, std::size_t members, Instant now, std::vector<Record>& out);

  [[nodiscard]] bool empty() const { return order_.empty(); }
  // Something other than loads waits.
  [[nodiscard]] bool has_news() const {
    return order_.size() > counts_[static_cast<std::size_t>(Urgency::load)];
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  // Of the fullest kind.
  void add_sizes(TableSizes& out) const {
    out.push_back({"records to be gossiped", std::ranges::max(counts_), records_max});
  }

 private:
  enum class Urgency : std::uint8_t { own, dead, alive, suspect, catalogue, load };
  static constexpr std::size_t urgencies = 6;
  // What a newer record of the same kind replaces: a node's news, an accuser's, a node's load, or
  // nothing (a dot is unique).
  enum class Slot : std::uint8_t { member, accusation, load, catalogue };
  using Key = std::tuple<Slot, NodeId, NodeId, std::uint64_t, std::uint64_t>;
  struct Order {
    Urgency urgency;
    unsigned sent;
    std::uint64_t arrival;
    friend auto operator<=>(Order const&, Order const&) = default;
  };
  struct Entry {
    Record record;
    std::size_t bytes = 0;
    Instant added{};
    Order order{};
  };

  [[nodiscard]] static Key key_of(Record const& record);
  [[nodiscard]] Urgency urgency_of(Record const& record) const;
  void remove(std::map<Key, Entry>::iterator entry);
  void remove_accusations_of(NodeId id);
  void make_room(Urgency urgency);
  [[nodiscard]] Record told_copy(Entry const& entry, Instant now) const;

  NodeId self_;
  std::uint64_t arrivals_ = 0;
  std::map<Key, Entry> entries_;
  std::map<Order, Key> order_;
  std::array<std::size_t, urgencies> counts_{};
};

}  // namespace chisme::cluster
