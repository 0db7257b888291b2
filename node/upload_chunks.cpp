#include "node/upload_chunks.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace chisme::node {

Chunks copy_in_chunks(std::span<std::byte const> bytes) {
  Chunks chunks;
  while (!bytes.empty()) {
    auto const part = bytes.first(std::min(bytes.size(), push_chunk_bytes_max));
    chunks.push_back(std::make_shared<std::vector<std::byte> const>(part.begin(), part.end()));
    bytes = bytes.subspan(part.size());
  }
  return chunks;
}

Result<void> append_all(StagingFile& staged, Chunks const& chunks) {
  for (Chunk const& chunk : chunks) {
    if (auto appended = staged.append(*chunk); !appended) return appended;
  }
  return {};
}

Result<Chunk> read_chunk(Descriptor const& file, std::uint64_t offset, std::uint64_t end) {
  std::vector<std::byte> bytes(std::min<std::uint64_t>(push_chunk_bytes_max, end - offset));
  ssize_t const got =
      ::pread(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return tl::unexpected(system_failure(errno, "reading an upload to push it"));
  if (got == 0) return fail(Fault::corrupt, "an upload is shorter than it was");
  bytes.resize(static_cast<std::size_t>(got));
  return std::make_shared<std::vector<std::byte> const>(std::move(bytes));
}

}  // namespace chisme::node
