#include "node/storage/quarantine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "node/clock.hpp"
#include "node/failpoint.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

struct Kept {
  fs::path path;
  ByteCount size;
  WallTime came;
};

WallTime wall_time(timespec const& time) {
  return WallTime{std::chrono::duration_cast<WallTime::duration>(
      std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec})};
}

// Oldest first.
Result<std::vector<Kept>> list(fs::path const& directory) {
  std::vector<Kept> kept;
  std::error_code code;
  fs::directory_iterator at(directory, code);
  for (; !code && at != fs::directory_iterator{}; at.increment(code)) {
    struct stat found{};
    if (::lstat(at->path().c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    kept.push_back({at->path(), ByteCount{static_cast<std::uint64_t>(found.st_size)},
                    wall_time(found.st_ctim)});
  }
  if (code) {
    return tl::unexpected<Error>(
        system_failure(code.value(), "reading the directory " + directory.string()));
  }
  std::ranges::sort(kept, {}, [](Kept const& file) { return std::pair(file.came, file.path); });
  return kept;
}

Quarantine::Contents sum(std::vector<Kept> const& kept) {
  Quarantine::Contents contents{kept.size(), {}};
  for (Kept const& file : kept) contents.bytes += file.size;
  return contents;
}

}  // namespace

Result<void> Quarantine::open() {
  if (auto made = make_directories(directory_); !made) return made;
  auto const emptied = empty_oldest();
  if (!emptied) return tl::unexpected<Error>(emptied.error());
  return {};
}

Result<void> Quarantine::take(fs::path const& file) {
  std::lock_guard const lock(changing_);
  auto const opened = open_directory(directory_);
  if (!opened) return tl::unexpected<Error>(opened.error());
  if (::rename(file.c_str(), (directory_ / file.filename()).c_str()) != 0) {
    return failed("moving to quarantine", file);
  }
  FAILPOINT("quarantine.moved");
  return fence_.guard(sync_file(opened->number(), directory_));
}

// What is removed here was lost already, so the removal needs no sync: after a power cut it is
// removed again.
Result<std::size_t> Quarantine::empty_oldest() {
  std::lock_guard const lock(changing_);
  auto const kept = list(directory_);
  if (!kept) return tl::unexpected<Error>(kept.error());
  WallTime const now = wall_now();
  Contents contents = sum(*kept);
  std::size_t emptied = 0;
  for (Kept const& file : *kept) {
    bool const old = now - file.came >= limits_.age_max;
    bool const over = contents.files > limits_.files_max || contents.bytes > limits_.bytes_max;
    if (!old && !over) break;
    if (::unlink(file.path.c_str()) != 0 && errno != ENOENT) return failed("removing", file.path);
    ++emptied;
    --contents.files;
    contents.bytes -= file.size;
  }
  std::lock_guard const counting(counting_);
  contents_ = contents;
  return emptied;
}

Quarantine::Contents Quarantine::contents() const {
  std::lock_guard const lock(counting_);
  return contents_;
}

}  // namespace chisme::node
