#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cluster/base/result.hpp"
#include "web/gateway.hpp"

// Small files that the node keeps in the cluster under hidden names, for protocols whose state any
// node goes on with (tus, WebDAV, S3). Coroutines of the given loop; the gateway outlives them.
namespace chisme::node {

// The largest is an upload's description: its metadata, and `tus::concatenated_max` ids.
inline constexpr std::uint64_t internal_file_bytes_max = 256u << 10;

// An upload of such a file, as `application/octet-stream`.
[[nodiscard]] web::UploadRequest internal_file(std::string name, std::optional<ByteCount> size);

// Stores `bytes` on W nodes. Faults: those of Gateway::begin_upload and web::Upload; whether the
// name changed is then as they say.
[[nodiscard]] asio::awaitable<Result<web::StoredFile>> put_small(asio::io_context& loop,
                                                                 web::Gateway& gateway,
                                                                 web::UploadRequest request,
                                                                 std::string bytes);

// The bytes of such a file, from whichever node has it. Faults: those of web::RemoteRead.
[[nodiscard]] asio::awaitable<Result<std::string>> read_small(asio::io_context& loop,
                                                              web::Gateway& gateway,
                                                              web::FileInfo file);

// What all nodes together say of a name: its file, even if all copies are lost. Fault::unavailable:
// the node is out of touch, so that it may be there.
[[nodiscard]] Result<std::optional<web::FileInfo>> known_file(Result<web::Lookup> found);

}  // namespace chisme::node
