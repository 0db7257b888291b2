#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/check.hpp"
#include "web/http/forwarded.hpp"
#include "web/http/parser.hpp"
#include "web/http/response_parser.hpp"

// Whatever arrives, and however it is cut into pieces, is read alike, within its bytes.
namespace {

using namespace chisme::web;

struct Outcome {
  ParseState state = ParseState::head;
  std::size_t consumed = 0;
  std::string body;
  friend bool operator==(Outcome const&, Outcome const&) = default;
};

template <class Parser>
Outcome read(Parser& parser, std::span<std::byte const> bytes, std::size_t piece) {
  Outcome outcome;
  while (outcome.consumed < bytes.size()) {
    auto const rest = bytes.subspan(outcome.consumed);
    auto const progress = parser.feed(rest.first(std::min(piece, rest.size())));
    CHECK(progress.consumed <= std::min(piece, rest.size()));
    outcome.state = progress.state;
    outcome.consumed += progress.consumed;
    outcome.body.append(reinterpret_cast<char const*>(progress.body.data()), progress.body.size());
    if (outcome.state == ParseState::complete || outcome.state == ParseState::failed) break;
    CHECK(progress.consumed > 0);
  }
  return outcome;
}

template <class Parser>
void compare(std::span<std::byte const> bytes, std::size_t piece) {
  Parser whole;
  Parser pieces;
  Outcome const a = read(whole, bytes, bytes.size() + 1);
  Outcome const b = read(pieces, bytes, piece);
  CHECK(a.state == b.state);
  // Where a failure is noticed depends on the pieces; what is read does not.
  if (a.state != ParseState::failed) CHECK(a == b);
}

// Whoever a request says that it comes from, it is an address or nobody.
void look_who_forwards(std::span<std::byte const> bytes) {
  RequestParser parser;
  Outcome const outcome = read(parser, bytes, bytes.size() + 1);
  if (outcome.state != ParseState::complete && outcome.state != ParseState::body) return;
  for (bool const trusted : {false, true}) {
    auto const client =
        forwarded_client(parser.request(), [&](chisme::Endpoint const&) { return trusted; });
    CHECK(!client || client->port == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  auto const bytes = std::as_bytes(std::span{data + 1, size - 1});
  std::size_t const piece = 1 + data[0] % 16;
  compare<RequestParser>(bytes, piece);
  look_who_forwards(bytes);
  compare<ResponseParser>(bytes, piece);
  return 0;
}
