#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"
#include "web/http/request.hpp"
#include "web/s3/request.hpp"
#include "web/target.hpp"

// Which requests are S3's, and what they are about. Pure.
//
// S3 is below `/s3/`. Not all clients can sign a path with something before the bucket, so what is
// signed as S3 has it is S3's at the root of the port too: /BUCKET/KEY.
namespace chisme::web::s3 {

[[nodiscard]] bool is_asked(Request const& request, Target const& target);

// BUCKET and KEY of a path, decoded; either may be empty. nullopt: a broken percent escape.
struct Address {
  std::string bucket;
  std::string key;
};
[[nodiscard]] std::optional<Address> address_of(std::string_view path);

// 1 to 63 letters, digits, `.`, `-` and `_`, the first and last a letter or a digit; not `s3`.
[[nodiscard]] bool is_bucket_name(std::string_view text);
// Fault::invalid when the object cannot be a file, too_large when its name is too long for one.
[[nodiscard]] Result<Place> place_of(Address const& address);

// That says that a bucket was made: it may be empty.
[[nodiscard]] std::string bucket_name(std::string_view bucket);
[[nodiscard]] std::string buckets_prefix();

// A multipart upload's files are under the name of an upload (web/tus/upload.hpp), so that those
// that nobody goes on with are collected with all others:
//
//   ID/s3            its description: what `to_json` writes
//   ID/s3part/NNNNN  a part; its ETag is an attribute
//   ID/s3turn        it is being completed: the object has this file's version; its ETag is an
//                    attribute
//   ID/s3done        the object is stored; its ETag is an attribute
[[nodiscard]] std::string upload_name(std::string_view id);
[[nodiscard]] std::string part_name(std::string_view id, unsigned number);
[[nodiscard]] std::string parts_prefix(std::string_view id);
[[nodiscard]] std::string turn_name(std::string_view id);
[[nodiscard]] std::string completed_name(std::string_view id);
// The number of what `part_name` wrote.
[[nodiscard]] std::optional<unsigned> part_number(std::string_view name);

struct UploadAbout {
  std::string bucket;
  std::string key;
  std::string type;  // of the object, without attributes
  Attributes attributes;
  friend bool operator==(UploadAbout const&, UploadAbout const&) = default;
};
[[nodiscard]] std::string to_json(UploadAbout const& about);
// nullopt for anything that `to_json` does not write.
[[nodiscard]] std::optional<UploadAbout> parse_upload(std::string_view json);

}  // namespace chisme::web::s3
