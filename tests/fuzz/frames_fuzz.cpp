#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/check.hpp"
#include "tests/fuzz/input.hpp"
#include "web/websocket/frame_inspector.hpp"

// What stands between a WebSocket's bytes and the library: however they are cut, the same is
// passed on, and never more than came in.
using namespace chisme;
using namespace chisme::web;

namespace {

using Stop = FrameInspector::Stop;
constexpr std::size_t header_bytes_max = 14;

struct Passed {
  std::string out;
  std::string story;  // how pieces and the whole ended
};

Passed inspect(std::string_view text, std::size_t step, FrameLimits limits) {
  FrameInspector inspector{limits};
  Passed passed;
  bool let_through = false;
  while (true) {
    auto const given = std::as_bytes(std::span{text.substr(0, step)});
    std::size_t const before = passed.out.size();
    auto const did = inspector.feed(given, passed.out);
    CHECK(did.consumed <= given.size());
    CHECK(passed.out.size() - before <= did.consumed + header_bytes_max);
    text.remove_prefix(did.consumed);
    if (did.stop == Stop::piece_ended) {
      passed.story += inspector.last_piece() ? "." : "-";
    } else if (did.stop == Stop::closing) {
      passed.story += "c" + std::to_string(inspector.peer_close_code());
      if (let_through) return passed;
      let_through = true;
      inspector.let_close_through();
    } else if (did.stop == Stop::failed) {
      CHECK(inspector.close_code() >= 1002 && inspector.close_code() <= 1009);
      CHECK(*inspector.reason() != '\0');
      passed.story += "!" + std::to_string(inspector.close_code());
      return passed;
    } else {
      CHECK(did.consumed == given.size());
      if (text.empty()) return passed;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  std::uint8_t const choice = input.byte();
  FrameLimits const limits{.text_bytes_max = 200,
                           .text_fragments_max = 4,
                           .piece_bytes = 4u << (choice & 7),
                           .binary = (choice & 8) == 0};
  Passed const whole = inspect(input.rest(), input.rest().size() + 1, limits);
  Passed const cut = inspect(input.rest(), 1u + (choice >> 4), limits);
  CHECK(whole.story == cut.story);
  CHECK(whole.out == cut.out);
  return 0;
}
