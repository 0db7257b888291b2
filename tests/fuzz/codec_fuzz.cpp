#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"

// Whatever arrives is refused or is a message that can be written and read again. The checksum is
// put right, so that the fuzzer reaches what is behind it.
namespace {

using namespace chisme::cluster;

constexpr std::size_t checksum_at = 8;
constexpr std::size_t header_bytes = 16;

void check_frame(std::string const& frame) {
  auto const envelope = decode(frame, stream_message_bytes_max);
  if (!envelope) return;
  auto const again = decode(encode(*envelope), stream_message_bytes_max);
  CHECK(again.has_value() && *again == *envelope);
  CHECK(encoded_size(envelope->message) == frame.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  auto const input = std::as_bytes(std::span{bytes, size});
  check_frame(std::string(reinterpret_cast<char const*>(bytes), size));
  std::string sealed = encode(Envelope{{}, {}, {}, Nack{}}).substr(0, header_bytes);
  sealed.append(reinterpret_cast<char const*>(bytes), size);
  std::uint64_t const sum = XXH3_64bits_withSeed(bytes, size, 0);
  std::memcpy(sealed.data() + checksum_at, &sum, sizeof sum);
  check_frame(sealed);
  if (auto const record = decode_catalogue_record(input)) CHECK(encode(*record).size() == size);
  if (auto const position = decode_log_position(input)) CHECK(encode(*position).size() == size);
  return 0;
}
