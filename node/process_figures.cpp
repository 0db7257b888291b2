#include "node/process_figures.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "node/clock.hpp"

namespace chisme::node {
namespace {

double cpu_seconds_of(timeval const& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The first two numbers of /proc/self/statm, in pages: all, and what is resident (proc(5)).
std::optional<std::array<std::uint64_t, 2>> pages_of(int statm) {
  std::array<char, 256> buffer;
  ssize_t const size = statm < 0 ? -1 : ::pread(statm, buffer.data(), buffer.size(), 0);
  if (size <= 0) return std::nullopt;
  std::array<std::uint64_t, 2> pages{};
  char const* at = buffer.data();
  char const* const end = at + size;
  for (std::uint64_t& number : pages) {
    auto const [rest, fault] = std::from_chars(at, end, number);
    if (fault != std::errc{}) return std::nullopt;
    at = rest == end ? end : rest + 1;
  }
  return pages;
}

}  // namespace

ProcessFigures& ProcessFigures::of_this_process() {
  static ProcessFigures process;
  return process;
}

ProcessFigures::ProcessFigures()
    : memory_{::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)},
      descriptors_{::opendir("/proc/self/fd")},
      started_{wall_now()} {}

ProcessFigures::~ProcessFigures() {
  if (memory_ >= 0) ::close(memory_);
  if (descriptors_ != nullptr) ::closedir(descriptors_);
}

ProcessFigures::Figures ProcessFigures::read() {
  Figures figures;
  figures.started = started_;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.cpu_seconds = cpu_seconds_of(usage.ru_utime) + cpu_seconds_of(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.descriptors_max = limit.rlim_cur;
  if (auto const pages = pages_of(memory_)) {
    auto const page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    figures.virtual_bytes = (*pages)[0] * page_bytes;
    figures.resident_bytes = (*pages)[1] * page_bytes;
  }
  figures.open_descriptors = count_descriptors();
  return figures;
}

// `.`, `..` and the directory itself are none.
std::optional<std::uint64_t> ProcessFigures::count_descriptors() {
  if (descriptors_ == nullptr) return std::nullopt;
  std::lock_guard const lock{mutex_};
  ::rewinddir(descriptors_);
  std::uint64_t count = 0;
  while (dirent const* const entry = ::readdir(descriptors_)) {
    if (std::string_view{entry->d_name}.front() != '.') ++count;
  }
  return count == 0 ? count : count - 1;
}

}  // namespace chisme::node
