#include "node/storage/posix.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "node/failpoint.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

fs::path parent_of(fs::path const& path) {
  fs::path const parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

bool is_existing_directory(fs::path const& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace

tl::unexpected<Error> failed(std::string const& doing, fs::path const& path) {
  int const number = errno;
  return tl::unexpected<Error>(system_failure(number, doing + " " + path.string()));
}

void Descriptor::close() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Result<Descriptor> open_file(fs::path const& path, int flags) {
  int const number = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (number < 0) return failed("opening", path);
  return Descriptor{number};
}

Result<Descriptor> open_directory(fs::path const& directory) {
  return open_file(directory, O_RDONLY | O_DIRECTORY);
}

Result<std::string> read_file(fs::path const& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    ssize_t const got = ::read(file->number(), block.data(), block.size());
    if (got == 0) return text;
    if (got > 0) {
      text.append(block.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return failed("reading", path);
    }
  }
}

Result<void> write_all(int descriptor, std::span<std::byte const> bytes, fs::path const& path) {
  while (!bytes.empty()) {
    ssize_t const wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    } else if (errno != EINTR) {
      return failed("writing", path);
    }
  }
  return {};
}

Result<void> sync_file(int descriptor, fs::path const& path) {
  if (::fsync(descriptor) != 0) return failed("syncing", path);
  return {};
}

Result<void> sync_directory(fs::path const& directory) {
  auto opened = open_directory(directory);
  if (!opened) return tl::unexpected<Error>(opened.error());
  return sync_file(opened->number(), directory);
}

Result<void> make_directories(fs::path const& directory) {
  if (is_existing_directory(directory)) return {};
  if (fs::path const parent = parent_of(directory); parent != directory) {
    if (auto made = make_directories(parent); !made) return made;
  }
  if (::mkdir(directory.c_str(), 0700) == 0) {
    FAILPOINT("recovery.directory_made");
    auto synced = sync_directory(parent_of(directory));
    if (!synced) ::rmdir(directory.c_str());  // found next time, it would be taken to be synced
    return synced;
  }
  if (errno == EEXIST && is_existing_directory(directory)) return {};  // another thread was faster
  if (errno == EEXIST) errno = ENOTDIR;  // something else has that name
  return failed("making the directory", directory);
}

Result<void> replace_file(fs::path const& path, std::string const& text) {
  fs::path const temporary = path.string() + ".new";
  auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return tl::unexpected<Error>(file.error());
  auto written = write_all(file->number(), std::as_bytes(std::span(text)), temporary).and_then([&] {
    return sync_file(file->number(), temporary);
  });
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  FAILPOINT("replace.written");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming", temporary);
  FAILPOINT("replace.renamed");
  return sync_directory(parent_of(path));
}

}  // namespace chisme::node
