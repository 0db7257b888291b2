#include "web/s3/replies.hpp"

#include <algorithm>

#include "web/json.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"

namespace chisme::web::s3 {
namespace {

std::string in_quotes(std::string_view etag) {
  return '"' + std::string{etag} + '"';
}

// The code of a status that has no closer one.
std::string_view code_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
      return "AccessDenied";
    case 404:
    case 410:
      return "NoSuchKey";
    case 405:
      return "MethodNotAllowed";
    case 411:
      return "MissingContentLength";
    case 412:
      return "PreconditionFailed";
    case 413:
      return "EntityTooLarge";
    case 416:
      return "InvalidRange";
    case 429:
      return "SlowDown";
    case 501:
      return "NotImplemented";
    case 503:
      return "ServiceUnavailable";
    default:
      return status >= 500 ? "InternalError" : "InvalidRequest";
  }
}

}  // namespace

Reply xml_reply(unsigned status, std::string body) {
  return Reply{.status = status,
               .headers = {{"Content-Type", "application/xml"},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(body) + "\n"};
}

Reply error(unsigned status, std::string_view code, std::string const& sentence) {
  XmlWriter xml("Error", false);
  xml.leaf("Code", code).leaf("Message", sentence);
  return xml_reply(status, xml.take());
}

Reply error_of(Reply const& problem) {
  Reply reply = error(problem.status, code_of(problem.status), problem.sentence);
  for (std::string_view const name :
       {"Allow", "Content-Range", "Retry-After", "WWW-Authenticate"}) {
    std::string const value = problem.headers.values(name);
    if (!value.empty()) reply.headers.add(name, value);
  }
  reply.close = problem.close;
  return reply;
}

Reply failed(Error const& why) {
  if (why.fault == Fault::digest_mismatch) {
    return error(400, "XAmzContentSHA256Mismatch",
                 "The bytes have another SHA-256 than was announced. Nothing was stored; send them "
                 "again.");
  }
  if (why.fault == Fault::incomplete) return error(400, "IncompleteBody", why.message + ".");
  Reply const problem = problem_of(why);
  if (problem.status == 0) return problem;
  return error_of(problem);
}

Reply no_such_bucket(std::string_view bucket) {
  XmlWriter xml("Error", false);
  xml.leaf("Code", "NoSuchBucket").leaf("Message", "The specified bucket does not exist");
  xml.leaf("BucketName", bucket);
  return xml_reply(404, xml.take());
}

Reply no_such_key(std::string_view key) {
  XmlWriter xml("Error", false);
  xml.leaf("Code", "NoSuchKey").leaf("Message", "The specified key does not exist.");
  xml.leaf("Key", key);
  return xml_reply(404, xml.take());
}

Reply no_such_upload() {
  return error(404, "NoSuchUpload",
               "The specified multipart upload does not exist. It was completed or aborted, or "
               "nobody went on with it for a day.");
}

Reply not_implemented(std::string_view what) {
  return error(501, "NotImplemented",
               "This cluster has no " + std::string{what} + ". docs/s3.md says what is served.");
}

Reply failed_condition() {
  return error(412, "PreconditionFailed",
               "At least one of the pre-conditions you specified did not hold");
}

Reply bad_signature_of_chunk() {
  return error(403, "SignatureDoesNotMatch",
               "The signature of a chunk does not match. Nothing was stored.");
}

Reply bad_digest(std::string_view of) {
  return error(400, "BadDigest",
               "The " + std::string{of} +
                   " you specified did not match what we received. Nothing "
                   "was stored; send it again.");
}

Reply slow_down() {
  Reply reply = error(503, "SlowDown",
                      "This node has no memory left for such a body. Nothing was done; try again "
                      "shortly, or at another node.");
  reply.headers.add("Retry-After", "1");
  reply.close = true;
  return reply;
}

Reply done(unsigned status) {
  return Reply{.status = status, .headers = {}, .body = {}};
}

Reply stored(std::string_view etag) {
  return Reply{.status = 200, .headers = {{"ETag", in_quotes(etag)}}, .body = {}};
}

Reply copied(std::string_view etag, WallTime modified) {
  XmlWriter xml("CopyObjectResult");
  xml.leaf("LastModified", rfc3339(modified)).leaf("ETag", in_quotes(etag));
  return xml_reply(200, xml.take());
}

Reply removed(std::span<Removal const> removals, bool quiet) {
  XmlWriter xml("DeleteResult");
  for (Removal const& removal : removals) {
    if (!removal.error) {
      if (!quiet) xml.open("Deleted").leaf("Key", removal.key).close();
      continue;
    }
    // An outcome that is not known is told as an error: to delete again is safe.
    Reply const problem = problem_of(*removal.error);
    xml.open("Error").leaf("Key", removal.key);
    xml.leaf("Code", problem.status == 0 ? "InternalError" : code_of(problem.status));
    xml.leaf("Message", removal.error->message + ".").close();
  }
  return xml_reply(200, xml.take());
}

Reply upload_begun(Place const& place, std::string_view id) {
  XmlWriter xml("InitiateMultipartUploadResult");
  xml.leaf("Bucket", place.bucket).leaf("Key", place.key).leaf("UploadId", id);
  return xml_reply(200, xml.take());
}

Reply upload_completed(Place const& place, std::string_view etag) {
  XmlWriter xml("CompleteMultipartUploadResult");
  xml.leaf("Location", "/s3/" + percent_encoded(place.name));
  xml.leaf("Bucket", place.bucket).leaf("Key", place.key).leaf("ETag", in_quotes(etag));
  return xml_reply(200, xml.take());
}

Reply parts_listed(ListParts const& wanted, std::span<StoredPart const> parts) {
  bool const truncated = parts.size() > wanted.parts_max;
  auto const shown = parts.first(std::min<std::size_t>(parts.size(), wanted.parts_max));
  XmlWriter xml("ListPartsResult");
  xml.leaf("Bucket", wanted.place.bucket).leaf("Key", wanted.place.key);
  xml.leaf("UploadId", wanted.id).leaf("PartNumberMarker", std::uint64_t{wanted.after});
  if (!shown.empty()) xml.leaf("NextPartNumberMarker", std::uint64_t{shown.back().number});
  xml.leaf("MaxParts", std::uint64_t{wanted.parts_max}).leaf("IsTruncated", truncated);
  for (StoredPart const& part : shown) {
    xml.open("Part").leaf("PartNumber", std::uint64_t{part.number});
    xml.leaf("LastModified", rfc3339(part.modified)).leaf("ETag", in_quotes(part.etag));
    xml.leaf("Size", part.size.value()).close();
  }
  return xml_reply(200, xml.take());
}

Reply uploads_listed(ListUploads const& wanted, std::span<OpenUpload const> uploads,
                     std::optional<UploadsMarker> const& next) {
  XmlWriter xml("ListMultipartUploadsResult");
  xml.leaf("Bucket", wanted.bucket).leaf("Prefix", wanted.prefix);
  xml.leaf("KeyMarker", wanted.key_after).leaf("UploadIdMarker", wanted.id_after);
  if (next) xml.leaf("NextKeyMarker", next->key).leaf("NextUploadIdMarker", next->id);
  xml.leaf("MaxUploads", std::uint64_t{wanted.uploads_max}).leaf("IsTruncated", next.has_value());
  for (OpenUpload const& upload : uploads) {
    xml.open("Upload").leaf("Key", upload.key).leaf("UploadId", upload.id);
    xml.leaf("Initiated", rfc3339(upload.begun)).leaf("StorageClass", "STANDARD").close();
  }
  return xml_reply(200, xml.take());
}

}  // namespace chisme::web::s3
