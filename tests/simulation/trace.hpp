#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "cluster/base/random.hpp"

namespace chisme::simulation {

// Trace folds everything that a run did into one number, so that two runs can be compared; for
// people it can also say each thing in a line.
class Trace {
 public:
  void add(std::uint64_t value) { hash_ = mix(hash_ ^ value); }
  // In one pass, with XXH3.
  void add(std::string_view bytes);
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

  // Called with a line for each event from now on.
  void tell(std::function<void(std::string_view)> line) { line_ = std::move(line); }
  [[nodiscard]] bool tells() const { return line_ != nullptr; }
  // REQUIRES: tells().
  void say(std::string_view line) { line_(line); }

 private:
  std::uint64_t hash_ = 0;
  std::function<void(std::string_view)> line_;
};

}  // namespace chisme::simulation
