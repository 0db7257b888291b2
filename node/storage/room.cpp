#include "node/storage/room.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t catalogue_room_max = 64u << 20;

std::uint64_t catalogue_room(struct statvfs const& room) {
  return std::min(catalogue_room_max, room.f_blocks * room.f_frsize / 20);
}

}  // namespace

Result<void> reserve(int descriptor, ByteCount size, fs::path const& path) {
  if (size.value() == 0) return {};
  std::string const doing = "reserving " + std::to_string(size.value()) + " bytes in";
  if (size.value() > static_cast<std::uint64_t>(INT64_MAX)) {
    errno = ENOSPC;
    return failed(doing, path);
  }
  if (::fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size.value())) == 0) {
    return {};
  }
  if (errno == EOPNOTSUPP || errno == ENOSYS) {
    struct statvfs room{};
    if (::fstatvfs(descriptor, &room) != 0) return failed("measuring", path);
    if (room.f_bavail * room.f_frsize >= size.value()) return {};
    errno = ENOSPC;
  }
  if (errno == EFBIG) errno = ENOSPC;  // larger than any file may be here
  return failed(doing, path);
}

Result<void> leave_catalogue_room(int descriptor, std::uint64_t wanted, fs::path const& path) {
  struct statvfs room{};
  if (::fstatvfs(descriptor, &room) != 0) return failed("measuring", path);
  if (room.f_bavail * room.f_frsize >= wanted + catalogue_room(room)) return {};
  errno = ENOSPC;
  return failed("finding room for", path);
}

ByteCount room_for_objects(fs::path const& path) {
  struct statvfs room{};
  if (::statvfs(path.c_str(), &room) != 0) return ByteCount{0};
  std::uint64_t const free = room.f_bavail * room.f_frsize;
  return ByteCount{free - std::min(free, catalogue_room(room))};
}

Result<void> check_room(fs::path const& path, ByteCount wanted) {
  struct statvfs room{};
  if (::statvfs(path.c_str(), &room) != 0) return failed("measuring", path);
  if (room.f_bavail * room.f_frsize >= wanted.value()) return {};
  errno = ENOSPC;
  return failed("finding room on the disk of", path);
}

double used_ratio_of(fs::path const& path) {
  struct statvfs room{};
  if (::statvfs(path.c_str(), &room) != 0 || room.f_blocks == 0) return 1.0;
  auto const used = static_cast<double>(room.f_blocks - room.f_bfree);
  return used / (used + static_cast<double>(room.f_bavail));  // as df: root's reserve is not ours
}

}  // namespace chisme::node
