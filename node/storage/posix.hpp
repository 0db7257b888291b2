#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "cluster/base/result.hpp"

// The few system calls that durable files need, each as a Result that names the path.
namespace chisme::node {

// An open file or directory, closed with this object. -1 means none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  [[nodiscard]] int number() const { return number_; }
  // Hands the number to another owner.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }
  void close();

 private:
  int number_ = -1;
};

// The error of the system call that just failed (errno), `doing` something to `path`.
[[nodiscard]] tl::unexpected<Error> failed(std::string const& doing,
                                           std::filesystem::path const& path);

// Opens with O_CLOEXEC; a new file gets mode 0600.
[[nodiscard]] Result<Descriptor> open_file(std::filesystem::path const& path, int flags);
[[nodiscard]] Result<Descriptor> open_directory(std::filesystem::path const& directory);
// The whole file. Faults: not_found, io.
[[nodiscard]] Result<std::string> read_file(std::filesystem::path const& path);
[[nodiscard]] Result<void> write_all(int descriptor, std::span<std::byte const> bytes,
                                     std::filesystem::path const& path);
// Neither is ever tried again after a failure: the kernel may have dropped the pages that it could
// not write, and a second call would then succeed without them.
[[nodiscard]] Result<void> sync_file(int descriptor, std::filesystem::path const& path);
[[nodiscard]] Result<void> sync_directory(std::filesystem::path const& directory);
// Makes `directory` and its missing parents (mode 0700), each synced into its parent.
[[nodiscard]] Result<void> make_directories(std::filesystem::path const& directory);
// Atomically makes `path` hold `text`: a synced temporary file beside it, renamed over it, and the
// directory synced. On failure the old file stays.
[[nodiscard]] Result<void> replace_file(std::filesystem::path const& path, std::string const& text);

}  // namespace chisme::node
