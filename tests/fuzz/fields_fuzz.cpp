#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/base/check.hpp"
#include "cluster/base/expiry.hpp"
#include "tests/fuzz/input.hpp"
#include "web/conditions.hpp"
#include "web/digest_fields.hpp"
#include "web/file_query.hpp"
#include "web/http/characters.hpp"
#include "web/http/fields.hpp"
#include "web/http_date.hpp"
#include "web/negotiation.hpp"
#include "web/ranges.hpp"
#include "web/target.hpp"
#include "web/ttl.hpp"

// Fields of a request's head, one after the other: conditions, ranges, dates, digests, what a
// client would rather have; and the query of a list.

using namespace chisme;
using namespace chisme::web;

namespace {

void check_range(std::string_view text, std::uint64_t size) {
  auto const answer = parse_range(text, ByteCount{size});
  auto const* const range = std::get_if<ByteRange>(&answer);
  if (range == nullptr) return;
  CHECK(range->length.value() >= 1 && range->first.value() < size);
  CHECK(range->length.value() <= size - range->first.value());
}

void check_list(std::string_view text) {
  for (std::string_view const element : list_elements(text)) {
    CHECK(!element.empty() && element == trimmed(element));
  }
  std::string_view rest = text;
  while (auto const parameter = take_parameter(rest)) CHECK(!parameter->name.empty());
}

void check_request(std::string const& text, FileInfo const& file) {
  for (char const* const name :
       {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
        "Accept", "Accept-Language", "Repr-Digest", "Content-Digest"}) {
    Request request;
    request.headers = {{name, text}, {"Range", "bytes=0-"}};
    static_cast<void>(evaluate(request, file));
    static_cast<void>(range_applies(request, file));
    static_cast<void>(prefers_html(request));
    static_cast<void>(prefers_spanish(request));
    static_cast<void>(announced_digest(request));
    if (auto const condition = write_condition(request)) {
      static_cast<void>(rules_out(*condition, &file));
      static_cast<void>(rules_out(*condition, nullptr));
    }
  }
}

void check_query(std::string_view text) {
  for (FileSort const sort : {FileSort::name, FileSort::size, FileSort::modified}) {
    if (auto const place = parse_place(sort, text)) {
      CHECK(parse_place(sort, place_text(sort, *place))->value == place->value);
    }
  }
  auto const words = search_words(text);
  if (!words) return;
  CHECK(words->size() <= search_words_max);
  NameMatcher matcher{*words};
  CHECK(words->empty() || matcher.matches(text));
}

// What others wrote as a record's media type, or as a place in the trash; a time to live.
void check_expiry(std::string const& text) {
  ExpiringType const split = split_expiry(text);
  CHECK(text.starts_with(split.type) && (split.expires.has_value() || split.type == text));
  constexpr WallTime expires{std::chrono::milliseconds{1'700'000'000'000}};
  auto const kept = with_expiry(text, expires);
  CHECK(!kept || (kept->size() <= type_bytes_max && split_expiry(*kept).expires == expires));
  CHECK(!split_expiry(*with_expiry(text, std::nullopt)).expires);
  if (auto const place = parse_trash_id(text)) CHECK(to_trash_id(*place) == text);
  auto const ttl = parse_ttl(text);
  CHECK(!ttl || (**ttl >= ttl_min && **ttl <= ttl_max));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static FileInfo const file = [] {
    FileInfo made;
    made.name = "a";
    made.size = ByteCount{100};
    made.digest.bytes.fill(0xab);
    made.modified = WallTime{std::chrono::seconds{784'111'777}};
    return made;
  }();
  std::string const text{reinterpret_cast<char const*>(data), size};
  check_range(text, 100);
  check_range(text, 0);
  check_range(text, ~std::uint64_t{0});
  check_list(text);
  check_request(text, file);
  check_query(text);
  check_expiry(text);
  if (auto const digest = parse_digest_field(text); digest && *digest) {
    CHECK(*parse_digest_field(repr_digest(**digest)) == *digest);
  }
  if (auto const date = parse_http_date(text)) CHECK(parse_http_date(http_date(*date)) == *date);
  return 0;
}
