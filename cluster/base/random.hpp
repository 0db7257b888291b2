#pragma once

#include <cstdint>

namespace chisme {

// Random is a small seeded generator (xoshiro256**, Blackman and Vigna 2018). The same seed gives
// the same numbers on every machine, which `std::` distributions do not promise. Not for secrets.
// One thread owns it.
class Random {
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed);

  std::uint64_t operator()();
  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1).
  double uniform();
  // True with probability `p`.
  bool chance(double p) { return uniform() < p; }
  // An independent stream, so that one user's draws do not shift another's.
  Random split(std::uint64_t stream);

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

 private:
  std::uint64_t state_[4];
};

// Scrambles 64 bits so that each output bit depends on each input bit (splitmix64's finaliser).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace chisme
