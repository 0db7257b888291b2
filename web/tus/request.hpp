#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "web/http/request.hpp"
#include "web/ttl.hpp"

// What a request of tus 1.0 asks for (https://tus.io/protocols/resumable-upload, core protocol and
// the extensions creation, creation-with-upload, creation-defer-length, termination, expiration,
// checksum and concatenation): its headers, parsed strictly. Pure.
namespace chisme::web::tus {

inline constexpr std::string_view protocol_version = "1.0.0";
inline constexpr std::string_view extensions =
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,"
    "concatenation";
inline constexpr std::string_view checksum_algorithms = "sha256,sha1,md5";
inline constexpr std::size_t metadata_bytes_max = 8 << 10;
inline constexpr std::size_t concatenated_max = 1000;

struct Checksum {
  std::string algorithm;  // one of `checksum_algorithms`
  std::string digest;     // its bytes
  friend bool operator==(Checksum const&, Checksum const&) = default;
};

enum class Concat { none, partial, final };

// POST /uploads
struct Create {
  std::string name;      // of the file, from the metadata; empty for a partial upload
  std::string type;      // media type
  std::string metadata;  // Upload-Metadata as it came
  std::optional<ByteCount> length;
  Concat concat = Concat::none;
  std::vector<std::string> partials;  // their ids, when `concat` is final
  bool live = false;                  // it may be read while it comes (metadata `live 1`)
  std::optional<TimeToLive> ttl;      // how long the file is kept, once it is there (`ttl 7d`)
  bool has_body = false;
  std::optional<Checksum> checksum;  // of the body
};
// PATCH /uploads/ID
struct Patch {
  std::string id;
  ByteOffset offset;
  std::optional<ByteCount> length;     // of an upload whose length was deferred
  std::optional<ByteCount> body_size;  // when announced
  std::optional<Checksum> checksum;
};
// HEAD /uploads/ID. A client that was told of an offset elsewhere may show it as Upload-Offset, so
// that a node which has not heard of it yet does not answer with less.
struct Ask {
  std::string id;
  std::optional<ByteOffset> shown;
};
// DELETE /uploads/ID
struct Terminate {
  std::string id;
};
using Wanted = std::variant<Create, Patch, Ask, Terminate>;

// Fault::invalid with a sentence.
[[nodiscard]] Result<Create> parse_create(Request const& request);
[[nodiscard]] Result<Patch> parse_patch(Request const& request, std::string_view id);
[[nodiscard]] Ask parse_ask(Request const& request, std::string_view id);

// The value of `key` in an Upload-Metadata header; nullopt when it has none.
[[nodiscard]] std::optional<std::string> metadata_value(std::string_view metadata,
                                                        std::string_view key);
// 32 hexadecimal digits in lower case.
[[nodiscard]] bool is_upload_id(std::string_view text);

}  // namespace chisme::web::tus
