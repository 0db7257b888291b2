#include "tests/node/storage/disk.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

struct Watched {
  std::mutex mutex;
  bool on = false;
  std::string failing;
  std::vector<std::string> calls;
};
Watched& watched() {
  static Watched the_only;
  return the_only;
}

bool watch_sync(int descriptor) {
  std::lock_guard const lock(watched().mutex);
  if (!watched().on) return true;
  std::error_code code;
  std::string const path =
      fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), code).string();
  watched().calls.push_back("sync " + path);
  return watched().failing.empty() || !path.ends_with(watched().failing);
}

}  // namespace

int synced(int descriptor) {
  if (watch_sync(descriptor)) return static_cast<int>(::syscall(SYS_fsync, descriptor));
  errno = EIO;
  return -1;
}

int renamed(char const* from, char const* to) {
  {
    std::lock_guard const lock(watched().mutex);
    if (watched().on) watched().calls.push_back(std::string("rename ") + to);
  }
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "chisme-test-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

DiskWatch::DiskWatch(std::string failing) {
  std::lock_guard const lock(watched().mutex);
  watched().on = true;
  watched().failing = std::move(failing);
  watched().calls.clear();
}

DiskWatch::~DiskWatch() {
  std::lock_guard const lock(watched().mutex);
  watched().on = false;
}

std::vector<std::string> DiskWatch::calls() const {
  std::lock_guard const lock(watched().mutex);
  return watched().calls;
}

std::string read_text(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(fs::path const& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
}

}  // namespace chisme::node

extern "C" {
__attribute__((visibility("default"))) int fsync(int descriptor) {
  return chisme::node::synced(descriptor);
}
__attribute__((visibility("default"))) int fdatasync(int descriptor) {
  return chisme::node::synced(descriptor);
}
__attribute__((visibility("default"))) int rename(char const* from, char const* to) noexcept {
  return chisme::node::renamed(from, to);
}
}
