#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/gateway.hpp"

// What S3 wants to know of an object beyond what a file has: its ETag, which clients take for the
// MD5 of its bytes, and their own metadata. Both are kept in the file's record, as a parameter of
// its media type: `video/mp4;s3="XUFAKrxLKna5cZ2REBfFkg @=1700000000.5"`, the MD5 in base64, what
// rclone writes of each object abbreviated. So they are written and replaced with the file, at no
// further cost, and a program that does not know them sees a media type with a parameter.
namespace chisme::web::s3 {

struct Attributes {
  std::string etag;  // without quotes; empty: of a file that was stored otherwise
  std::vector<std::pair<std::string, std::string>> metadata;  // names in lower case
  friend bool operator==(Attributes const&, Attributes const&) = default;
};

// What is kept as the file's type; nullopt when that has no room for it (`type_bytes_max`), or the
// ETag is neither an MD5 nor one with a number of parts.
[[nodiscard]] std::optional<std::string> kept_type(std::string_view type, Attributes const& more);

// The media type, and the parameter's value as it is kept (empty: there is none).
struct KeptType {
  std::string_view type;
  std::string_view attributes;
};
[[nodiscard]] KeptType split_type(std::string_view kept);
// All that is kept as its type, as it was split.
[[nodiscard]] std::string kept_type(FileInfo const& file);
// Of what `split_type` found; empty of anything that `kept_type` does not write.
[[nodiscard]] Attributes parse_attributes(std::string_view text);

// The ETag that S3 clients are shown, without quotes. Of a file that was stored otherwise it is
// made of the SHA-256, and has a `-`, as those have that are no MD5.
[[nodiscard]] std::string etag_of(FileInfo const& file);

}  // namespace chisme::web::s3
