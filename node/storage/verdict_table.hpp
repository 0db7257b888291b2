#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "node/storage/chunk_hashes.hpp"
#include "node/storage/copy_check.hpp"

namespace chisme::node {

// VerdictTable keeps the verdicts of the copies that were opened last, so that a chunk is not read
// again for each request. A file that is another one, or was written to since, begins anew.
//
// Bounded: `copies_max` copies, the oldest go; 12 bytes for each chunk of 1 MiB. Thread-safe, never
// blocks.
class VerdictTable {
 public:
  static constexpr std::size_t copies_max = 1024;

  [[nodiscard]] std::shared_ptr<ChunkVerdicts> of(ChunkVerdicts::Copy copy, CopyNumber number,
                                                  struct stat const& file);
  void forget(Digest const& digest);

 private:
  struct Which {
    CopyNumber number;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    friend bool operator==(Which const&, Which const&) = default;
  };
  struct Entry {
    Which which;
    std::shared_ptr<ChunkVerdicts> verdicts;
  };
  std::mutex mutex_;
  std::map<Digest, Entry> entries_;
  std::deque<Digest> oldest_first_;
};

}  // namespace chisme::node
