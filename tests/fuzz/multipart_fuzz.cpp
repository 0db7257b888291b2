#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/check.hpp"
#include "web/http/multipart.hpp"

// However a form is cut into pieces, the same parts come out, in order.
namespace {

using namespace chisme::web;
using Event = MultipartReader::Event;

// The events as text: parts, their data joined, their ends.
std::string read(std::span<std::byte const> bytes, std::size_t piece) {
  MultipartReader reader{"b"};
  std::string events;
  bool in_part = false;
  while (true) {
    auto const given = bytes.first(std::min(piece, bytes.size()));
    auto const progress = reader.feed(given);
    CHECK(progress.consumed <= given.size());
    bytes = bytes.subspan(progress.consumed);
    switch (progress.event) {
      case Event::need_more:
        CHECK(progress.consumed == given.size());
        if (bytes.empty()) return events;
        break;
      case Event::part_begin:
        CHECK(!in_part && !reader.part().name.empty());
        in_part = true;
        events += "{" + reader.part().name + "," + reader.part().filename.value_or("-") + "}";
        break;
      case Event::data:
        CHECK(in_part && !progress.data.empty());
        events.append(reinterpret_cast<char const*>(progress.data.data()), progress.data.size());
        break;
      case Event::part_end:
        CHECK(in_part);
        in_part = false;
        events += "}";
        break;
      case Event::end:
        CHECK(!in_part && reader.finish_cleanly());
        events += ".";
        break;
      case Event::failed:
        return events + "!";
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1) return 0;
  auto const bytes = std::as_bytes(std::span{data + 1, size - 1});
  CHECK(read(bytes, bytes.size() + 1) == read(bytes, 1 + data[0] % 16));
  (void)multipart_boundary({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
  return 0;
}
