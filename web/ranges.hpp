#pragma once

#include <string_view>
#include <variant>

#include "cluster/base/strong.hpp"

namespace chisme::web {

// What a Range header asks of a file (RFC 9110, 14.2).
struct WholeFile {
  friend bool operator==(WholeFile, WholeFile) = default;
};
struct ByteRange {
  ByteOffset first;
  ByteCount length;  // at least 1
  friend bool operator==(ByteRange, ByteRange) = default;
};
struct Unsatisfiable {
  friend bool operator==(Unsatisfiable, Unsatisfiable) = default;
};
using RangeAnswer = std::variant<WholeFile, ByteRange, Unsatisfiable>;

// One range of a file of `size` bytes. Malformed ranges, other units and several ranges at once are
// answered with the whole file, as the RFC allows.
[[nodiscard]] RangeAnswer parse_range(std::string_view header, ByteCount size);

}  // namespace chisme::web
