#include "web/file_heads.hpp"

#include <functional>

#include "web/conditions.hpp"
#include "web/digest_fields.hpp"
#include "web/http_date.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

constexpr char sandbox[] =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src "
    "'self'";

// Browsers would take plain text that names no charset for windows-1252.
std::string_view shown_type(std::string_view type) {
  return type == "text/plain" ? "text/plain; charset=utf-8" : type;
}

Fields fields_of(FileInfo const& file, bool download) {
  Fields fields;
  add_content_fields(fields, file.name, file.type, download);
  fields.add("ETag", etag_of(file.digest));
  fields.add("Last-Modified", http_date(file.modified));
  fields.add("Accept-Ranges", "bytes");
  fields.add("Repr-Digest", repr_digest(file.digest));
  fields.add("Digest", "SHA-256=", base64(file.digest));
  fields.add("Chisme-Version", file.version);
  fields.add("Cache-Control", "no-cache");
  if (file.expires) fields.add("Sunset", http_date(*file.expires));  // RFC 8594
  return fields;
}

}  // namespace

void add_content_fields(Fields& fields, std::string_view name, std::string_view type,
                        bool download) {
  bool const shown = !download && is_shown_inline(type);
  fields.add("Content-Type", shown_type(type));
  fields.add("Content-Disposition", content_disposition(shown ? "inline" : "attachment", name));
  fields.add("X-Content-Type-Options", "nosniff");
  fields.add("Content-Security-Policy", sandbox);
}

// A version is of one name: together they say which bytes, of which type, were stored when.
Fields const& FileHeads::of(FileInfo const& file, bool download) {
  if (heads_.empty()) heads_.resize(places);
  Head& head = heads_[std::hash<std::string>{}(file.name) % places];
  if (head.name != file.name || head.version != file.version || head.download != download) {
    head = {file.name, file.version, download, fields_of(file, download)};
  }
  return head.fields;
}

}  // namespace chisme::web
