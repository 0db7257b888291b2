#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/base/check.hpp"
#include "node/parent_link.hpp"

// Packets between a node of `chisme up` and the process that started it.
using namespace chisme;
using namespace chisme::node;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const packet{reinterpret_cast<char const*>(data), size};
  if (auto const request = parse_parent_request(packet)) {
    auto const again = parse_parent_request(std::to_string(request->number) + " " +
                                            to_string(request->order) + " " + request->url);
    CHECK(again && again->number == request->number && again->order == request->order);
    CHECK(again->url == request->url);
  }
  if (auto const answer = parse_parent_answer(packet)) {
    std::string const written = parent_answer(answer->number, answer->result);
    CHECK(written.size() <= parent_packet_bytes_max);
    auto const again = parse_parent_answer(written);
    CHECK(again && again->number == answer->number);
    CHECK(again->result.has_value() == answer->result.has_value());
  }
  return 0;
}
