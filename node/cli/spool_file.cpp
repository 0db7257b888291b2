#include "node/cli/spool_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <span>
#include <vector>

#include "node/cli/archive.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

std::string usual_directory() {
  char const* const named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

// Some file systems have no O_TMPFILE.
Result<Descriptor> nameless_file(std::string const& directory) {
  int const number = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (number >= 0) return Descriptor{number};
  std::string path = directory + "/chisme-import-XXXXXX";
  Descriptor made{::mkostemp(path.data(), O_CLOEXEC)};
  if (made.number() < 0) {
    return tl::unexpected<Error>(system_failure(errno, "making a temporary file in " + directory));
  }
  ::unlink(path.c_str());
  return made;
}

}  // namespace

Result<SpoolFile> SpoolFile::fill(ArchiveReader& archive, std::string directory) {
  if (directory.empty()) directory = usual_directory();
  auto file = nameless_file(directory);
  if (!file) return tl::unexpected<Error>(file.error());
  std::vector<std::byte> block(std::size_t{1} << 20);
  Sha256 hash;
  ByteCount size{0};
  for (;;) {
    auto const got = archive.read(block);
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got == 0) return SpoolFile{std::move(*file), size, hash.finish()};
    auto const bytes = std::span(block).first(*got);
    hash.update(bytes);
    size += ByteCount{*got};
    auto const wrote = write_all(file->number(), bytes, directory);
    if (!wrote) return tl::unexpected<Error>(wrote.error());
  }
}

}  // namespace chisme::node::cli
