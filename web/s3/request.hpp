#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "web/gateway.hpp"
#include "web/s3/attributes.hpp"
#include "web/s3/hash.hpp"

// What requests of S3's clients ask for, beyond reading: a connection carries it out.
namespace chisme::web::s3 {

// An object: KEY of BUCKET is the file BUCKET/KEY.
struct Place {
  std::string bucket;
  std::string key;
  std::string name;  // of the file: checked and normalised
};

// Checksums that clients may announce as `x-amz-checksum-…`.
inline constexpr std::string_view sum_algorithms[] = {"crc32", "crc32c", "crc64nvme", "sha1",
                                                      "sha256"};

// What the chunks of an `aws-chunked` body are signed with (chunks.hpp).
struct ChunkSigning {
  Sha256 key{};
  std::string time;
  std::string scope;
  std::string signature;  // of the head, which the first chunk's goes on from
};
struct ChunkedBody {
  bool trailers = false;
  std::optional<ChunkSigning> signing;  // nullopt: they are not signed
};
// What is known of a request's body before it comes.
struct Payload {
  std::optional<Digest> sha256;       // that it must have
  std::optional<std::string> md5;     // that it must have: 16 bytes
  std::optional<ByteCount> size;      // of its data
  std::optional<ChunkedBody> chunks;  // it is `aws-chunked`
  std::string sum_algorithm;          // of `sum_algorithms`; empty: no further checksum
  std::string sum;                    // that it must have, in base64; empty: a trailer says it
};

// On what an object is written, as the request says it; each may be empty: there is none.
struct WriteConditions {
  std::string none_match;  // or `*`
  std::string match;
  [[nodiscard]] bool empty() const { return none_match.empty() && match.empty(); }
};

struct CreateBucket {
  std::string bucket;
};
struct DeleteBucket {
  std::string bucket;
};
struct PutObject {
  Place place;
  UploadRequest upload;  // its type without attributes
  Attributes attributes;
  Payload payload;
};
struct CopyObject {
  Place place;
  std::string source;    // the file's name
  UploadRequest upload;  // its type counts when `replaces`
  Attributes attributes;
  bool replaces = false;  // the source's type and metadata
};
struct DeleteObject {
  Place place;
  Condition condition;
};
struct DeleteObjects {
  std::string bucket;
  Payload payload;
};
struct CreateUpload {
  Place place;
  std::string type;
  Attributes attributes;
};
struct PutPart {
  Place place;
  std::string id;
  unsigned number = 0;
  Payload payload;
};
struct CompleteUpload {
  Place place;
  std::string id;
  Payload payload;
  WriteConditions conditions;  // of when it is completed for the first time
};
struct AbortUpload {
  Place place;
  std::string id;
};
struct ListParts {
  Place place;
  std::string id;
  unsigned after = 0;
  unsigned parts_max = 1000;
};
struct ListUploads {
  std::string bucket;
  std::string prefix;
  std::string key_after;  // when there is no `id_after`
  std::string id_after;   // uploads come in the order of their ids
  unsigned uploads_max = 1000;
};
using Wanted =
    std::variant<CreateBucket, DeleteBucket, PutObject, CopyObject, DeleteObject, DeleteObjects,
                 CreateUpload, PutPart, CompleteUpload, AbortUpload, ListParts, ListUploads>;

}  // namespace chisme::web::s3
