#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/trio.hpp"

// A running cluster of three, and somebody who knows its keys and says anything to any of them:
// forged ages, incarnations, deaths, logs, horizons. Nothing ends it, and no table outgrows its
// bound.
//
// An order is a byte (bits 0 and 1: to whom; 2: by stream; 3 and 4: as whom; 5 to 7: how much time
// passes after it) and a block of bytes: a message as the codec has it, without the envelope.
using namespace chisme;
using namespace chisme::cluster;
using namespace std::chrono_literals;

namespace {

constexpr unsigned orders_max = 12;
constexpr std::size_t checksum_at = 8;
constexpr std::size_t header_bytes = 16;
constexpr NodeId stranger{9, 9};

std::string header_of_newest() {
  return encode(Envelope{{}, {}, {}, PeersMissed{}}).substr(0, header_bytes);
}

// What the envelope of an empty message has before it: who says it.
std::string from(std::size_t who) {
  NodeId const id = who < fuzz::Trio::size ? fuzz::Trio::id_of(who) : stranger;
  Envelope const envelope{id, Epoch{1}, fuzz::Trio::endpoint_of(who), PeersMissed{}};
  std::string const frame = encode(envelope);
  return frame.substr(header_bytes, frame.size() - header_bytes - 1);
}

std::string frame_of(std::size_t who, std::string_view message) {
  static std::string const header = header_of_newest();
  std::string const content = from(who) + std::string{message};
  std::string frame = header + content;
  std::uint64_t const sum = XXH3_64bits_withSeed(content.data(), content.size(), 0);
  std::memcpy(frame.data() + checksum_at, &sum, sizeof sum);
  return frame;
}

Duration pause_of(std::uint8_t order) {
  constexpr Duration pauses[] = {0s, 0s, 10ms, 100ms, 500ms, 1s, 3s, 10s};
  return pauses[order >> 5];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  fuzz::Trio trio;
  for (std::size_t place = 0; place < fuzz::Trio::size; ++place) CHECK(trio.alive_at(place) == 3);
  for (unsigned orders = 0; !input.empty() && orders < orders_max; ++orders) {
    std::uint8_t const order = input.byte();
    auto const channel = (order & 4) != 0 ? Channel::stream : Channel::datagram;
    trio.deliver((order & 3u) % fuzz::Trio::size, channel,
                 frame_of(order >> 3 & 3u, input.block()));
    trio.run_for(pause_of(order));
    trio.choose_holders();
  }
  trio.run_for(2s);
  return 0;
}
