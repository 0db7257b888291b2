#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "web/plan.hpp"
#include "web/s3/request.hpp"
#include "web/s3/xml.hpp"

// What S3's clients are answered.
namespace chisme::web::s3 {

[[nodiscard]] Reply xml_reply(unsigned status, std::string body);
// <Error>, with one of S3's codes, which clients act on, and a sentence.
[[nodiscard]] Reply error(unsigned status, std::string_view code, std::string const& sentence);
// A problem of any other route's kind as such an error.
[[nodiscard]] Reply error_of(Reply const& problem);
// The answer to an error of the node; status 0 where the outcome is unknown.
[[nodiscard]] Reply failed(Error const& why);

[[nodiscard]] Reply no_such_bucket(std::string_view bucket);
[[nodiscard]] Reply no_such_key(std::string_view key);
[[nodiscard]] Reply no_such_upload();
[[nodiscard]] Reply not_implemented(std::string_view what);
[[nodiscard]] Reply failed_condition();  // 412
[[nodiscard]] Reply bad_signature_of_chunk();
[[nodiscard]] Reply bad_digest(std::string_view of);
[[nodiscard]] Reply slow_down();  // 503: no memory for a body
// 200, or 204, without a body.
[[nodiscard]] Reply done(unsigned status);

[[nodiscard]] Reply stored(std::string_view etag);
[[nodiscard]] Reply copied(std::string_view etag, WallTime modified);
struct Removal {
  std::string key;
  std::optional<Error> error;
};
[[nodiscard]] Reply removed(std::span<Removal const> removals, bool quiet);
[[nodiscard]] Reply upload_begun(Place const& place, std::string_view id);
[[nodiscard]] Reply upload_completed(Place const& place, std::string_view etag);
struct StoredPart {
  unsigned number = 0;
  std::string etag;
  ByteCount size;
  WallTime modified{};
};
// `parts`: one more than `wanted.parts_max`, if there are so many.
[[nodiscard]] Reply parts_listed(ListParts const& wanted, std::span<StoredPart const> parts);
struct OpenUpload {
  std::string key;
  std::string id;
  WallTime begun{};
};
// Where the next page begins: behind the upload `id`. Clients that are told no key do not go on.
struct UploadsMarker {
  std::string key;
  std::string id;
};
[[nodiscard]] Reply uploads_listed(ListUploads const& wanted, std::span<OpenUpload const> uploads,
                                   std::optional<UploadsMarker> const& next);

}  // namespace chisme::web::s3
