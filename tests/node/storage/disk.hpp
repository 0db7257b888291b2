#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

// What the tests of storage/ share: a directory of their own, and a watch on the calls that make
// files durable.
namespace chisme::node {

// A new directory under the temporary directory, removed with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory const&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory const&) = delete;
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// While a DiskWatch lives, it records every fsync and rename of this process, and makes the
// fsyncs of paths that end in `failing` return EIO. This program's `fsync`, `fdatasync` and
// `rename` stand before the C library's for that.
class DiskWatch {
 public:
  explicit DiskWatch(std::string failing = {});
  ~DiskWatch();
  DiskWatch(DiskWatch const&) = delete;
  DiskWatch& operator=(DiskWatch const&) = delete;
  // "sync PATH" and "rename TO", in order.
  [[nodiscard]] std::vector<std::string> calls() const;
};

[[nodiscard]] std::string read_text(std::filesystem::path const& path);
void write_text(std::filesystem::path const& path, std::string_view text);

}  // namespace chisme::node
