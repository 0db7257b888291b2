#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

struct XXH3_state_s;

// Hashes of an object's chunks, so that a part of it can be checked without reading all of it. They
// find what disks do to bytes; that the whole is what was stored, its SHA-256 says.
namespace chisme::node {

inline constexpr std::uint64_t chunk_bytes = 1u << 20;
// The XXH3-64 of each chunk, in order; the last may be shorter.
using ChunkHashes = std::vector<std::uint64_t>;

// Hashes chunks as their bytes come. One thread owns it.
class ChunkHasher {
 public:
  ChunkHasher();
  ~ChunkHasher();
  ChunkHasher(ChunkHasher&&) noexcept;
  ChunkHasher& operator=(ChunkHasher&&) noexcept;
  void update(std::span<std::byte const> bytes);
  // Of all bytes so far. REQUIRES: called once, last.
  [[nodiscard]] ChunkHashes finish();

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
  std::uint64_t in_chunk_ = 0;
  ChunkHashes hashes_;
};

// An object of one chunk needs no file of hashes: its name is its SHA-256.
[[nodiscard]] inline bool has_chunk_file(ByteCount size) {
  return size.value() > chunk_bytes;
}
// What the file beside an object holds: a line, the hashes (little endian), and their own hash.
[[nodiscard]] std::string encode(ChunkHashes const& hashes);
// nullopt: these are not the hashes of an object of `size` bytes, or they have changed.
[[nodiscard]] std::optional<ChunkHashes> parse_chunk_hashes(std::string_view text, ByteCount size);

// ChunkVerdicts remembers which chunks of one copy were read and found right a short while ago. All
// who have the copy open share it. Thread-safe.
//
// What it promises: a chunk whose bytes leave was compared with its hash at most `trusted` before,
// and its ends have not left the kernel's memory since: what must come from the disk again is
// compared again, by who may wait for the disk.
class ChunkVerdicts {
 public:
  static constexpr Duration trusted = std::chrono::seconds{60};

  struct Copy {
    Digest digest;
    ByteCount size;
    std::filesystem::path chunk_file;
  };
  explicit ChunkVerdicts(Copy copy);

  // No need to call `verify` for these bytes: they are in memory, and right, or nobody can tell.
  // What is found gone from memory, and what the kernel may read ahead with it, is to be verified
  // again. Never blocks; two system calls for each chunk.
  [[nodiscard]] bool is_trusted(int descriptor, ByteOffset offset, ByteCount length,
                                Instant now) const;
  // Reads the chunks that these bytes are in, but for those that are trusted, and compares them.
  // Blocks on the disk. Faults: corrupt, io; after io nothing is known, and the next call tries
  // again.
  [[nodiscard]] Result<void> verify(int descriptor, ByteOffset offset, ByteCount length,
                                    Instant now);
  // It has no hashes, so that nothing of it can be verified: somebody should make them.
  [[nodiscard]] bool lacks_hashes() const { return state_ == State::none; }

 private:
  enum class State : std::uint8_t { unread, known, none };

  [[nodiscard]] Result<void> read_hashes();
  [[nodiscard]] bool is_trusted(int descriptor, std::uint64_t chunk, Instant now) const;
  [[nodiscard]] Result<void> check(int descriptor, std::uint64_t chunk) const;
  [[nodiscard]] bool is_right(std::uint64_t chunk, std::span<std::byte const> bytes) const;

  Copy copy_;
  std::mutex reading_;
  std::atomic<State> state_{State::unread};
  ChunkHashes hashes_;
  // When each was found right, in whole seconds of the steady clock; 0: never.
  std::unique_ptr<std::atomic<std::uint32_t>[]> right_at_;
};

}  // namespace chisme::node
