#pragma once

#include <cstdint>
#include <string_view>

#include "cluster/base/random.hpp"

namespace chisme::simulation {

// Trace folds everything that a run did into one number, so that two runs can be compared.
class Trace {
 public:
  void add(std::uint64_t value) { hash_ = mix(hash_ ^ value); }
  void add(std::string_view bytes) {
    std::uint64_t fnv = 0xcbf29ce484222325u;  // FNV-1a
    for (char const c : bytes) fnv = (fnv ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    add(fnv);
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace chisme::simulation
