// What S3's clients send. The first byte chooses: a request's Authorization and address (a line
// each), a body that is aws-chunked, a document, what a record keeps of an object.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cluster/base/check.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/media_types.hpp"
#include "web/s3/address.hpp"
#include "web/s3/attributes.hpp"
#include "web/s3/chunks.hpp"
#include "web/s3/signature.hpp"
#include "web/s3/xml.hpp"

namespace {

using namespace chisme;
using namespace chisme::web;

// A signature is right for nobody who does not know the secret; what is made of the same request
// twice is the same.
void sign(fuzz::Input input) {
  Request request;
  request.method_text = "GET";
  request.target = input.line();
  for (char const* const name : {"Authorization", "X-Amz-Date", "x-amz-content-sha256", "Host"}) {
    auto const value = input.line();
    if (!value.empty()) request.headers.push_back({name, std::string{value}});
  }
  auto const target = parse_target(request.target);
  if (!target) return;
  (void)s3::is_asked(request, *target);
  MemoryGateway gateway;
  gateway.clock = WallTime{std::chrono::seconds{1'369'353'600}};
  auto const judged = s3::authenticate(gateway, AccessMode::open, request, *target);
  if (!judged) CHECK(judged.error().status >= 400 && !judged.error().body.empty());
  auto claim = s3::parse_claim(request, *target);
  if (!claim || !*claim) return;
  CHECK((*claim)->signature.size() == 64);
  CHECK((*claim)->signed_headers.size() <= s3::signed_headers_max);
  auto const canonical = s3::canonical_request(**claim, request, *target);
  CHECK(canonical == s3::canonical_request(**claim, request, *target));
  // Of the pair that everybody knows the right signature is let by, whatever else is in the
  // request.
  (*claim)->access_key = s3::open_access_key;
  auto const signature =
      s3::signature_of(s3::signing_key(s3::open_secret_key, **claim), **claim, canonical);
  CHECK(signature.size() == 64);
}

std::string read_chunks(std::span<std::byte const> bytes, std::size_t piece, bool with_signatures,
                        bool with_trailers) {
  std::optional<s3::ChunkSigning> signing;
  if (with_signatures) signing = s3::ChunkSigning{{}, "20130524T000000Z", "scope", "seed"};
  s3::ChunkReader reader(std::move(signing), with_trailers);
  std::string data;
  while (!bytes.empty() && !reader.failed()) {
    auto const given = bytes.first(std::min(piece, bytes.size()));
    auto const progress = reader.feed(given);
    CHECK(progress.consumed <= given.size() && progress.data.size() <= progress.consumed);
    CHECK(progress.consumed > 0 || reader.failed());
    data.append(reinterpret_cast<char const*>(progress.data.data()), progress.data.size());
    bytes = bytes.subspan(progress.consumed);
  }
  CHECK(reader.data_bytes() == data.size());
  CHECK(reader.trailers().size() <= s3::ChunkReader::trailers_max);
  if (reader.failed()) return "!";
  return data + (reader.ended() ? "." : "?");
}

void documents(std::string_view text) {
  if (auto const list = s3::parse_delete(text)) {
    CHECK(!list->keys.empty() && list->keys.size() <= s3::deleted_keys_max);
    s3::XmlWriter xml("Delete");
    for (std::string const& key : list->keys) xml.open("Object").leaf("Key", key).close();
    auto const again = s3::parse_delete(xml.take());
    CHECK(again && again->keys == list->keys);
  }
  if (auto const parts = s3::parse_complete(text)) {
    CHECK(!parts->empty() && parts->back().number <= s3::part_number_max);
    CHECK(std::ranges::is_sorted(*parts, {}, &s3::NamedPart::number));
  }
}

void records(std::string_view text) {
  auto const kept = s3::split_type(text);
  CHECK(kept.type.size() + kept.attributes.size() <= text.size());
  auto const parsed = s3::parse_attributes(kept.attributes);
  for (auto const& [name, value] : parsed.metadata) {
    CHECK((name + value).find_first_of("\r\n") == std::string::npos);
  }
  if (auto const again = s3::kept_type("a/b", parsed); again && parsed != s3::Attributes{}) {
    CHECK(is_media_type(*again));
    CHECK(s3::parse_attributes(s3::split_type(*again).attributes) == parsed);
  }
  if (auto const about = s3::parse_upload(text)) {
    CHECK(s3::parse_upload(s3::to_json(*about)) == about);
  }
  if (auto const address = s3::address_of(text)) {
    auto const place = s3::place_of(*address);
    if (place) CHECK(place->name == place->bucket + "/" + place->key);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  std::uint8_t const kind = input.byte();
  switch (kind % 4) {
    case 0:
      sign(input);
      break;
    case 1: {
      bool const with_signatures = (kind & 4) != 0;
      bool const with_trailers = (kind & 8) != 0;
      auto const bytes = input.rest_bytes();
      CHECK(read_chunks(bytes, bytes.size() + 1, with_signatures, with_trailers) ==
            read_chunks(bytes, 1 + kind / 16, with_signatures, with_trailers));
      break;
    }
    case 2:
      documents(input.rest());
      break;
    default:
      records(input.rest());
  }
  return 0;
}
