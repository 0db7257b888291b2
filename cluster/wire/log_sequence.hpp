#pragma once

#include <cstdint>

namespace chisme::cluster {

// What no log reaches. The codec and the catalogue's store refuse more: an index of records has no
// room for it (catalogue/log_index.hpp), and who writes on from a forged place must not run out of
// numbers.
inline constexpr std::uint64_t log_sequence_max = (std::uint64_t{1} << 62) - 1;

}  // namespace chisme::cluster
