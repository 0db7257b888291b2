#pragma once

#include <string>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/wire/log_sequence.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster::testing {

// Makes messages with every field set from a seed.
class MessageMaker {
 public:
  explicit MessageMaker(std::uint64_t seed) : random_(seed) {}

  // The variant's alternative `kind`. REQUIRES: kind < std::variant_size_v<Message>.
  Envelope envelope(std::size_t kind);
  Record record(std::size_t kind);
  CatalogueRecord catalogue_record();
  LogPosition log_position();

 private:
  std::uint64_t number() { return random_(); }
  std::uint64_t sequence() { return random_() & log_sequence_max; }
  std::uint32_t small() { return static_cast<std::uint32_t>(random_()); }
  float real() { return static_cast<float>(random_.uniform() * 1000); }
  bool flag() { return random_.chance(0.5); }
  std::string text(std::size_t max);
  NodeId node() { return {number(), number()}; }
  Epoch epoch() { return Epoch{small()}; }
  Endpoint endpoint();
  Digest digest();
  Version version() { return {number(), node()}; }
  WallTime wall();
  AliveRecord alive();
  SuspectRecord suspect() { return {node(), epoch(), Incarnation{small()}, node()}; }
  LeftRecord left() { return {node(), epoch(), Incarnation{small()}}; }
  LoadRecord load();
  Change change(std::size_t kind);
  Message message(std::size_t kind);
  RangeSync range_sync();
  AccessNews access_news();
  std::vector<Record> records();
  template <class Make>
  auto some(Make make) {
    std::vector<decltype(make())> list;
    for (std::uint64_t left_over = random_.below(6); left_over > 0; --left_over) {
      list.push_back(make());
    }
    return list;
  }

  Random random_;
};

}  // namespace chisme::cluster::testing
