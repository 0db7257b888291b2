#include "cluster/base/random.hpp"

#include <bit>

#include "cluster/base/check.hpp"

namespace chisme {

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = seed = mix(seed);
}

std::uint64_t Random::operator()() {
  std::uint64_t const result = std::rotl(state_[1] * 5, 7) * 9;
  std::uint64_t const shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Rejection of the incomplete last block keeps it uniform.
  std::uint64_t const limit = max() - max() % bound;
  for (;;) {
    if (std::uint64_t const draw = (*this)(); draw < limit) return draw % bound;
  }
}

double Random::uniform() {
  return static_cast<double>((*this)() >> 11) * 0x1p-53;
}

Random Random::split(std::uint64_t stream) {
  return Random{mix((*this)() ^ mix(stream))};
}

}  // namespace chisme
