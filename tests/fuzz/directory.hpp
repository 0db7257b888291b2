#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "cluster/base/check.hpp"

namespace chisme::fuzz {

// A directory in memory that goes when the program ends, for what is read from files.
class Directory {
 public:
  Directory() {
    std::string name = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    name += "/chisme-fuzz-XXXXXX";
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(Directory const&) = delete;
  Directory& operator=(Directory const&) = delete;

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  // Writes the whole file, which only its owner can read.
  std::filesystem::path write(std::string const& name, std::string_view bytes) const {
    auto const path = path_ / name;
    int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    CHECK(::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(file);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace chisme::fuzz
