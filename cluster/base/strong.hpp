#pragma once

#include <compare>
#include <cstdint>

namespace chisme {

// Strong<Tag, Rep> is a Rep that mixes with no other: an epoch is not an incarnation, a byte count
// is not an offset. `value()` is the way out, the explicit constructor the way in.
template <class Tag, class Rep>
class Strong {
 public:
  using Representation = Rep;
  constexpr Strong() = default;
  explicit constexpr Strong(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

// How many bytes.
using ByteCount = Strong<struct ByteCountTag, std::uint64_t>;
// Where in a file or object, counted in bytes from its beginning.
using ByteOffset = Strong<struct ByteOffsetTag, std::uint64_t>;

constexpr ByteCount operator+(ByteCount a, ByteCount b) {
  return ByteCount{a.value() + b.value()};
}
constexpr ByteCount operator-(ByteCount a, ByteCount b) {
  return ByteCount{a.value() - b.value()};
}
constexpr ByteCount& operator+=(ByteCount& a, ByteCount b) {
  return a = a + b;
}
constexpr ByteCount& operator-=(ByteCount& a, ByteCount b) {
  return a = a - b;
}
constexpr ByteOffset operator+(ByteOffset at, ByteCount n) {
  return ByteOffset{at.value() + n.value()};
}
constexpr ByteOffset& operator+=(ByteOffset& at, ByteCount n) {
  return at = at + n;
}
constexpr ByteCount operator-(ByteOffset to, ByteOffset from) {
  return ByteCount{to.value() - from.value()};
}

}  // namespace chisme
