#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// PartFile is a download that is not complete: FILE.part with the blocks that have arrived, in any
// order, and FILE.part.blocks, which says which object it is and has a line for each block that is
// there. An interrupted download of the same object goes on with the missing blocks.
//
// One thread at a time. Nothing here is synced: the whole file's SHA-256 decides in the end.
class PartFile {
 public:
  static constexpr std::uint64_t block_bytes = std::uint64_t{4} << 20;
  struct Object {
    Digest digest;
    ByteCount size;
  };

  // Takes up an earlier attempt at the same object, else begins anew.
  [[nodiscard]] static Result<PartFile> open(std::filesystem::path target, Object const& object);

  [[nodiscard]] std::size_t block_count() const { return present_.size(); }
  [[nodiscard]] bool has(std::size_t block) const { return present_.at(block); }
  [[nodiscard]] ByteOffset offset_of(std::size_t block) const;
  [[nodiscard]] ByteCount size_of(std::size_t block) const;
  [[nodiscard]] std::uint64_t bytes_present() const;

  // REQUIRES: `bytes` is the whole block.
  [[nodiscard]] Result<void> store(std::size_t block, std::span<std::byte const> bytes);
  // Checks the SHA-256 of the whole and gives the file its name. Fault: digest_mismatch, after
  // which both files are gone, so that the next attempt begins anew. REQUIRES: every block is
  // there.
  [[nodiscard]] Result<void> finish(std::function<void(std::uint64_t checked)> const& progress);

 private:
  PartFile(std::filesystem::path target, Object const& object);
  [[nodiscard]] std::filesystem::path bytes_path() const { return target_.string() + ".part"; }
  [[nodiscard]] std::filesystem::path blocks_path() const {
    return target_.string() + ".part.blocks";
  }
  void read_blocks();
  [[nodiscard]] Result<void> open_files();
  [[nodiscard]] Result<Digest> hash(std::function<void(std::uint64_t)> const& progress) const;

  std::filesystem::path target_;
  Object object_;
  Descriptor bytes_;
  Descriptor blocks_;
  std::vector<bool> present_;
};

}  // namespace chisme::node::cli
