#pragma once

#include <dirent.h>

#include <cstdint>
#include <mutex>
#include <optional>

#include "cluster/base/time.hpp"

namespace chisme::node {

// What the kernel tells of this process. Where it is read from is opened at the beginning, for a
// process that has given its rights up may open it no more: what could not be opened is not told
// (a node that started itself again, under Landlock). Thread-safe.
class ProcessFigures {
 public:
  // The process's own; the first call opens what it reads.
  [[nodiscard]] static ProcessFigures& of_this_process();

  struct Figures {
    double cpu_seconds = 0;  // of user and system together
    std::optional<std::uint64_t> resident_bytes;
    std::optional<std::uint64_t> virtual_bytes;
    std::optional<std::uint64_t> open_descriptors;
    std::uint64_t descriptors_max = 0;
    WallTime started{};  // when this object was made
  };
  [[nodiscard]] Figures read();

  ~ProcessFigures();
  ProcessFigures(ProcessFigures const&) = delete;
  ProcessFigures& operator=(ProcessFigures const&) = delete;

 private:
  ProcessFigures();
  [[nodiscard]] std::optional<std::uint64_t> count_descriptors();

  std::mutex mutex_;
  int memory_ = -1;
  DIR* descriptors_ = nullptr;
  WallTime started_;
};

}  // namespace chisme::node
