#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/check.hpp"
#include "cluster/config.hpp"
#include "node/peer/framing.hpp"
#include "node/storage/chunk_hashes.hpp"
#include "node/storage/object_listing.hpp"
#include "tests/fuzz/input.hpp"

// The bytes of streams between nodes: hellos, frames, pulls and pushes, however they are cut; and
// what a disk brings back of an object: its file's name and its chunk hashes.
using namespace chisme;
using namespace chisme::node;

namespace {

using Bytes = std::span<std::byte const>;

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// What is read of a control stream, as text.
std::string frames_of(Bytes bytes, std::size_t piece) {
  FrameParser parser{cluster::stream_message_bytes_max};
  std::string read;
  while (!bytes.empty()) {
    auto const given = bytes.first(std::min(piece, bytes.size()));
    auto const did = parser.feed(given);
    CHECK(did.consumed <= given.size());
    bytes = bytes.subspan(did.consumed);
    if (did.state == FrameParser::State::bad) return read + "!";
    if (did.state == FrameParser::State::more) {
      CHECK(did.consumed == given.size());
      continue;
    }
    CHECK(did.frame.size() <= cluster::stream_message_bytes_max);
    read += "[" + text_of(did.frame) + "]";
  }
  return read;
}

std::string push_of(Bytes bytes, std::size_t piece) {
  PushParser parser;
  std::string read;
  while (!bytes.empty()) {
    auto const given = bytes.first(std::min(piece, bytes.size()));
    auto const did = parser.feed(given);
    CHECK(did.consumed <= given.size());
    bytes = bytes.subspan(did.consumed);
    if (did.state == PushParser::State::bad) return read + "!";
    if (did.state == PushParser::State::end) {
      return read + "." + to_hex(did.end.digest) + std::to_string(did.end.size.value());
    }
    if (did.state == PushParser::State::more) CHECK(did.consumed == given.size());
    read += text_of(did.data);
  }
  return read;
}

template <std::size_t size, class Parse>
void read_back(Bytes bytes, Parse parse) {
  if (bytes.size() < size) return;
  auto const first = parse(bytes.first<size>());
  if (!first) return;
  auto const again = encode(*first);
  CHECK(parse(Bytes{again}.first<size>()) == first);
}

void check_heads(Bytes bytes) {
  read_back<hello_bytes>(bytes, [](auto head) { return parse_hello(head); });
  read_back<pull_answer_bytes>(bytes, [](auto head) { return parse_pull_answer(head); });
  read_back<push_begin_bytes>(bytes, [](auto head) { return parse_push_begin(head); });
  read_back<push_answer_bytes>(bytes, [](auto head) { return parse_push_answer(head); });
  read_back<pull_request_bytes>(bytes,
                                [](auto head) { return std::optional{parse_pull_request(head)}; });
}

void check_disk(std::string_view text, std::uint64_t chunks) {
  // Up to so many chunks; none has a length that its text has not.
  for (std::uint64_t const size :
       {chunks * chunk_bytes, chunks * chunk_bytes + 1, ~std::uint64_t{0}}) {
    auto const hashes = parse_chunk_hashes(text, ByteCount{size});
    if (hashes) CHECK(encode(*hashes) == text);
  }
  if (auto const object = parse_file_name(text)) CHECK(file_name(*object) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  std::size_t const piece = 1 + input.byte() % 32;
  Bytes const bytes = input.rest_bytes();
  CHECK(frames_of(bytes, bytes.size() + 1) == frames_of(bytes, piece));
  CHECK(push_of(bytes, bytes.size() + 1) == push_of(bytes, piece));
  check_heads(bytes);
  check_disk(input.rest(), piece);
  return 0;
}
