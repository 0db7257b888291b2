#pragma once

#include <string>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

class ArchiveReader;

// SpoolFile is a member of an archive on its way: a file without a name, so that it is gone however
// this process ends. It can be read again, when a node fails that was taking it.
class SpoolFile {
 public:
  // Takes the rest of the reader's member. `directory` empty: $TMPDIR, or /var/tmp. Faults: corrupt
  // (the archive ends), io (the directory; no room).
  [[nodiscard]] static Result<SpoolFile> fill(ArchiveReader& archive, std::string directory);

  [[nodiscard]] Descriptor const& file() const { return file_; }
  [[nodiscard]] ByteCount size() const { return size_; }
  [[nodiscard]] Digest const& digest() const { return digest_; }

 private:
  SpoolFile(Descriptor file, ByteCount size, Digest const& digest)
      : file_(std::move(file)), size_(size), digest_(digest) {}

  Descriptor file_;
  ByteCount size_;
  Digest digest_;
};

}  // namespace chisme::node::cli
