#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/base/check.hpp"
#include "web/base64.hpp"
#include "web/digest_fields.hpp"
#include "web/http_date.hpp"
#include "web/json.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/ranges.hpp"
#include "web/target.hpp"
#include "web/tus/request.hpp"
#include "web/tus/upload.hpp"

// Names, targets, ranges and digests from outside.
using namespace chisme;
using namespace chisme::web;

namespace {

void resume(std::string const& text) {
  for (char const* const header : {"Upload-Length", "Upload-Metadata", "Upload-Concat",
                                   "Upload-Checksum", "Upload-Offset", "Upload-Defer-Length"}) {
    Request request;
    request.headers = {
        {header, text}, {"Upload-Metadata", "filename eA=="}, {"Upload-Offset", "0"}};
    if (auto const create = tus::parse_create(request)) {
      for (std::string const& id : create->partials) CHECK(tus::is_upload_id(id));
      CHECK(tus::parse_about(tus::to_json(tus::about(*create))));
    }
    (void)tus::parse_patch(request, "");
  }
  if (auto const bytes = base64_decoded(text)) {
    auto const* const begin = reinterpret_cast<std::uint8_t const*>(bytes->data());
    CHECK(base64_encoded({begin, bytes->size()}) == text);
  }
  (void)tus::parse_about(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  if (auto const name = checked_name(text)) {
    CHECK(name->size() <= name_bytes_max && is_utf8(*name));
    CHECK(checked_name(*name) == *name);
    CHECK(name_from_url(percent_encoded(*name)) == *name);
    for (char const c : content_disposition("inline", *name)) CHECK(c >= 0x20 && c < 0x7f);
  }
  resume(std::string{text});
  (void)name_from_url(text);
  (void)parse_target(text);
  (void)parse_digest_field(text);
  (void)is_media_type(text);
  (void)is_shown_inline(media_type_of(text));
  CHECK(is_utf8(json_string(text)));
  if (auto const date = parse_http_date(text)) CHECK(parse_http_date(http_date(*date)) == *date);
  auto const answer = parse_range(text, ByteCount{100});
  if (auto const* const range = std::get_if<ByteRange>(&answer)) {
    CHECK(range->length.value() >= 1 && range->first.value() + range->length.value() <= 100);
  }
  return 0;
}
