#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "node/storage/chunk_hashes.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node {

// Which of the copies that were stored here, in order: a new one each time an object is stored,
// although its bytes are those of the one before.
using CopyNumber = Strong<struct CopyNumberTag, std::uint64_t>;

// CopyCheck reads one copy from the disk, piece by piece, and hashes it. What it reads comes from
// the disk and not from the kernel's memory of it, and does not stay in memory: a scrub would
// otherwise find nothing and drive out what clients read.
//
// Made by ObjectStore::begin_check, ended by ObjectStore::finish_check. One thread at a time.
class CopyCheck {
 public:
  // Reads up to `bytes` more; false: there is nothing more to read.
  [[nodiscard]] bool advance(std::size_t bytes);
  [[nodiscard]] Digest const& digest() const { return digest_; }
  [[nodiscard]] ByteCount read_so_far() const { return ByteCount{offset_}; }

 private:
  friend class ObjectStore;
  struct Copy {
    Digest digest;
    ByteCount size;
    CopyNumber number;
  };
  CopyCheck(Copy const& copy, Descriptor file);
  // An empty text when it is intact, else what is wrong with it.
  [[nodiscard]] std::string complaint();

  Digest digest_;
  std::uint64_t size_;
  CopyNumber number_;
  Descriptor file_;
  std::uint64_t offset_ = 0;
  Sha256 hasher_;
  ChunkHasher chunks_;
  std::vector<std::byte> block_;
  std::string wrong_;
};

}  // namespace chisme::node
