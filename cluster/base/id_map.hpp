#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"

namespace chisme {

// IdMap finds what belongs to a node: an open-addressed hash table with linear probing (Knuth,
// TAOCP 3, 6.4). Every message looks up some nodes, and a walk down a tree of a thousand waits for
// memory ten times, here once.
//
// For looking up: it has no order.
// `Value` is default constructible and movable. References are valid until the next `insert` or
// `erase`. One thread at a time.
template <class Value>
class IdMap {
 public:
  // nullptr when there is none.
  [[nodiscard]] Value* find(NodeId id) { return const_cast<Value*>(std::as_const(*this).find(id)); }
  [[nodiscard]] Value const* find(NodeId id) const {
    if (places_.empty()) return nullptr;
    Place const& place = places_[place_of(id)];
    return place.taken ? &place.value : nullptr;
  }
  [[nodiscard]] bool contains(NodeId id) const { return find(id) != nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // The value of `id`, made from nothing when there was none.
  Value& operator[](NodeId id) {
    if (Value* const found = find(id)) return *found;
    if (4 * (size_ + 1) > 3 * places_.size()) grow();
    Place& place = places_[place_of(id)];
    place = {.id = id, .taken = true, .value = Value{}};
    ++size_;
    return place.value;
  }

  // True when there was one. What probing passed over moves up, so that no graves are left.
  bool erase(NodeId id) {
    if (!contains(id)) return false;
    std::size_t hole = place_of(id);
    for (std::size_t at = after(hole); places_[at].taken; at = after(at)) {
      std::size_t const home = home_of(places_[at].id);
      bool const reaches_hole = ((at - home) & mask()) >= ((at - hole) & mask());
      if (!reaches_hole) continue;
      places_[hole] = std::move(places_[at]);
      hole = at;
    }
    places_[hole] = Place{};
    --size_;
    return true;
  }

  // Each value once, in no order that anything may depend on.
  template <class Use>
  void for_each(Use use) {
    for (Place& place : places_) {
      if (place.taken) use(place.value);
    }
  }

  void clear() {
    places_.clear();
    size_ = 0;
  }

 private:
  struct Place {
    NodeId id;
    bool taken = false;
    Value value{};
  };
  [[nodiscard]] std::size_t mask() const { return places_.size() - 1; }
  [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & mask(); }
  [[nodiscard]] std::size_t home_of(NodeId id) const { return mix(id.high ^ mix(id.low)) & mask(); }
  // Where `id` is, or would be.
  [[nodiscard]] std::size_t place_of(NodeId id) const {
    std::size_t at = home_of(id);
    while (places_[at].taken && places_[at].id != id) at = after(at);
    return at;
  }
  void grow() {
    std::vector<Place> old(std::max<std::size_t>(16, 2 * places_.size()));
    std::swap(old, places_);
    for (Place& place : old) {
      if (place.taken) places_[place_of(place.id)] = std::move(place);
    }
  }

  std::vector<Place> places_;  // a power of two, at most three quarters taken
  std::size_t size_ = 0;
};

}  // namespace chisme
