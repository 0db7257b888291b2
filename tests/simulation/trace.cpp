#include "tests/simulation/trace.hpp"

#include <xxhash.h>

namespace chisme::simulation {

void Trace::add(std::string_view bytes) {
  hash_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_);
}

}  // namespace chisme::simulation
