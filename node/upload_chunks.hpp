#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/peer/push.hpp"
#include "node/storage/object_store.hpp"
#include "node/storage/posix.hpp"

// The bytes of an upload, in pieces of at most `push_chunk_bytes_max`, as pushes take them.
namespace chisme::node {

using Chunk = PushConnection::Chunk;
using Chunks = std::vector<Chunk>;

[[nodiscard]] Chunks copy_in_chunks(std::span<std::byte const> bytes);
// On the disk pool. Faults: those of `StagingFile::append`.
[[nodiscard]] Result<void> append_all(StagingFile& staged, Chunks const& chunks);
// The bytes from `offset` on, up to `end` if there are not too many. On the disk pool. Faults: io,
// corrupt (there are none).
[[nodiscard]] Result<Chunk> read_chunk(Descriptor const& file, std::uint64_t offset,
                                       std::uint64_t end);

}  // namespace chisme::node
