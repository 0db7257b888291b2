#include <algorithm>
#include <chrono>
#include <utility>

#include "web/file_heads.hpp"
#include "web/http/characters.hpp"
#include "web/http_date.hpp"
#include "web/problem.hpp"
#include "web/ranges.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/replies.hpp"

// Reading objects. Clients of S3 do not go where a redirect leads, so this node answers: from its
// own copy, or with what it reads from holders.
namespace chisme::web::s3 {
namespace {

Reply head_of_object(FileInfo const& file) {
  Reply head;
  add_content_fields(head.headers, file.name, file.type, false);
  head.headers.add("ETag", "\"", etag_of(file), "\"");
  head.headers.add("Last-Modified", http_date(file.modified));
  head.headers.add("Accept-Ranges", "bytes");
  head.headers.add("Chisme-Version", file.version);
  for (auto const& [name, value] : parse_attributes(file.attributes).metadata) {
    head.headers.add("x-amz-meta-" + name, value);
  }
  return head;
}

// Whether a list of tags has this one; a weak tag is never S3's.
bool has_tag(std::string_view field, std::string_view etag) {
  return std::ranges::any_of(list_elements(field), [&](std::string_view tag) {
    return tag == "*" || tag == etag ||
           (tag.size() == etag.size() + 2 && tag.substr(1, etag.size()) == etag);
  });
}

std::optional<WallTime> date_field(Call const& call, std::string_view name) {
  auto const value = call.request.header(name);
  return value ? parse_http_date(*value) : std::nullopt;
}

// In the order of RFC 9110, 13.2.2: 412, 304 or 0.
unsigned status_of_conditions(Call const& call, FileInfo const& file) {
  std::string const etag = etag_of(file);
  auto const since = std::chrono::floor<std::chrono::seconds>(file.modified.time_since_epoch());
  WallTime const modified{since};
  if (auto const match = call.request.header("if-match")) {
    if (!has_tag(*match, etag)) return 412;
  } else if (auto const date = date_field(call, "if-unmodified-since"); date && modified > *date) {
    return 412;
  }
  if (auto const none = call.request.header("if-none-match")) return has_tag(*none, etag) ? 304 : 0;
  auto const date = date_field(call, "if-modified-since");
  return date && modified <= *date ? 304 : 0;
}

Plan bytes_of_file(Call const& call, FileInfo file) {
  Reply head = head_of_object(file);
  ByteOffset offset;
  ByteCount length = file.size;
  auto const range = call.request.header("range");
  auto const condition = call.request.header("if-range");
  bool const counts = range && (!condition || *condition == '"' + etag_of(file) + '"');
  auto const asked = counts ? parse_range(*range, file.size) : RangeAnswer{WholeFile{}};
  std::string const size = std::to_string(file.size.value());
  if (std::holds_alternative<Unsatisfiable>(asked)) {
    Reply reply = error(416, "InvalidRange", "The requested range is not satisfiable");
    reply.headers.add("Content-Range", "bytes */", size);
    return reply;
  }
  if (auto const* const part = std::get_if<ByteRange>(&asked)) {
    offset = part->first;
    length = part->length;
    std::uint64_t const last = offset.value() + length.value() - 1;
    head.status = 206;
    head.headers.add("Content-Range", "bytes ", std::to_string(offset.value()), "-",
                     std::to_string(last), "/", size);
  }
  if (file.local) return SendObject{std::move(head), std::move(file), offset, length};
  if (call.gateway.replicas(file).empty()) {
    return error(503, "ServiceUnavailable",
                 "No node that holds the object is in reach. Try again shortly.");
  }
  return RelayObject{std::move(head), std::move(file), offset, length};
}

// Nobody holds its bytes, or nobody knows it.
Plan not_found(Call const& call, Place const& place, LookupStatus status) {
  if (status == LookupStatus::out_of_touch) {
    return error(503, "ServiceUnavailable",
                 "This node is out of touch with most others, which may have it. Try again "
                 "shortly.");
  }
  if (status == LookupStatus::lost) {
    return error(410, "NoSuchKey", "No node in reach has a copy of the object's bytes.");
  }
  if (!knows_bucket(call.gateway, place.bucket)) return no_such_bucket(place.bucket);
  return no_such_key(place.key);
}

}  // namespace

Plan get_object(Call const& call, Place const& place) {
  if (call.found && !*call.found) return failed(call.found->error());
  Lookup lookup = call.found ? **call.found : call.gateway.lookup(place.name);
  if (lookup.status != LookupStatus::found) {
    if (!call.found) return AskOthers{place.name};
    return not_found(call, place, lookup.status);
  }
  unsigned const status = status_of_conditions(call, lookup.file);
  if (status == 412) return failed_condition();
  if (status == 304) {
    return Reply{.status = 304,
                 .headers = {{"ETag", '"' + etag_of(lookup.file) + '"'},
                             {"Last-Modified", http_date(lookup.file.modified)}},
                 .body = {}};
  }
  return bytes_of_file(call, std::move(lookup.file));
}

}  // namespace chisme::web::s3
