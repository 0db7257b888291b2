#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// The subjects of all records fall into 4096 slots: a name by its hash, a holding by the first bits
// of its object's digest. Slots make a tree of degree 16: level 0 is all of them, level 3 each.
inline constexpr std::size_t slot_count = 4096;
inline constexpr unsigned slot_level = 3;

// The first eight bytes, as a number in the digests' order.
[[nodiscard]] std::uint64_t first_bits(Digest const& digest);
[[nodiscard]] std::uint16_t slot_of(std::string_view name);
[[nodiscard]] std::uint16_t slot_of(Digest const& digest);
[[nodiscard]] std::uint16_t slot_of(CatalogueRecord const& record);
// By which nodes tell records apart: a hash of the dot and of what is said there. Two nodes with
// copies of one disk may have said two things under one dot.
[[nodiscard]] std::uint64_t mark_of(CatalogueRecord const& record);
// The same, of a Have or a Drop of the object.
[[nodiscard]] std::uint64_t mark_of(Digest const& digest, Dot const& dot, bool has);

// SlotFingerprints holds, for each slot, the exclusive or of its records' marks: equal where, and
// (but for collisions) only where, the records are.
class SlotFingerprints {
 public:
  // Adds a mark, or takes it away.
  void flip(std::uint16_t slot, std::uint64_t mark) {
    slots_[slot] ^= mark;
    all_ ^= mark;
  }
  [[nodiscard]] std::uint64_t all() const { return all_; }
  // Of the 16 parts of range `index` of `level`. REQUIRES: level < slot_level, index < 16^level.
  [[nodiscard]] std::array<std::uint64_t, 16> parts(unsigned level, std::size_t index) const;

 private:
  std::array<std::uint64_t, slot_count> slots_{};
  std::uint64_t all_ = 0;
};

}  // namespace chisme::cluster
