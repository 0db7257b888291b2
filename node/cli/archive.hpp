#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cluster/base/result.hpp"

struct archive;
struct archive_entry;

// Tar streams (POSIX.1-2001, pax) by libarchive. What a member is besides its bytes stands in its
// pax header, as extended attributes: user.chisme.sha256, user.chisme.type, and user.chisme.check,
// by which damage to a header itself is seen: tar's own sum does not cover pax headers.
namespace chisme::node::cli {

struct ArchiveMember {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256 = {};    // 64 hex digits; empty: it has none
  std::string type = {};      // media type
  std::int64_t modified = 0;  // seconds since 1970
  bool is_whole = true;       // when read: these fields are what was written
  bool is_file = true;        // and no directory, link, device or file with holes
};

// ArchiveWriter writes to a descriptor as it goes. One thread. Fault: io.
class ArchiveWriter {
 public:
  [[nodiscard]] static Result<ArchiveWriter> open(int descriptor);
  // Ends the member before; zeros stand for what it lacks.
  [[nodiscard]] Result<void> begin(ArchiveMember const& member);
  // REQUIRES: what the member's size leaves room for.
  [[nodiscard]] Result<void> write(std::span<std::byte const> bytes);
  // Ends the archive. Without it the archive has no end.
  [[nodiscard]] Result<void> finish();

 private:
  struct Free {
    void operator()(archive* writer) const;
  };
  explicit ArchiveWriter(archive* writer) : writer_(writer) {}
  [[nodiscard]] tl::unexpected<Error> broken();

  std::unique_ptr<archive, Free> writer_;
};

// ArchiveReader reads what may have been made by anybody: uncompressed tar only. Bounded:
// libarchive refuses headers beyond a few megabytes. One thread.
class ArchiveReader {
 public:
  [[nodiscard]] static Result<ArchiveReader> open(int descriptor);
  // The next member; nullopt behind the last. Fault: corrupt: what follows cannot be read.
  [[nodiscard]] Result<std::optional<ArchiveMember>> next();
  // The next bytes of this member; 0 at its end. Fault: corrupt.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into);

 private:
  struct Free {
    void operator()(archive* reader) const;
  };
  explicit ArchiveReader(archive* reader) : reader_(reader) {}
  [[nodiscard]] tl::unexpected<Error> broken();

  std::unique_ptr<archive, Free> reader_;
};

}  // namespace chisme::node::cli
