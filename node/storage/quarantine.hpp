#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/storage/fence.hpp"

namespace chisme::node {

// When the oldest files of a quarantine go. Sixteen gibibytes are a few films: what a person still
// may want to rescue when no other copy is left.
struct QuarantineLimits {
  std::size_t files_max = 1000;
  ByteCount bytes_max{std::uint64_t{16} << 30};
  Duration age_max = std::chrono::hours{30 * 24};
};

// Quarantine keeps copies that were found corrupt, for a person to look at; nothing is ever served
// from there. Beyond its limits the oldest go, by the time at which they came (their ctime), so
// that one file larger than `bytes_max` is not kept at all.
//
// Thread-safe; calls block on the disk.
class Quarantine {
 public:
  struct Contents {
    std::size_t files = 0;
    ByteCount bytes;
  };

  // `fence` must outlive it.
  Quarantine(std::filesystem::path directory, Fence& fence, QuarantineLimits limits = {})
      : directory_(std::move(directory)), fence_(fence), limits_(limits) {}

  // Makes the directory if it is missing, and counts what is there.
  [[nodiscard]] Result<void> open();
  // Renames `file` into the quarantine, replacing one of the same name. The caller syncs the
  // directory that it was in; the quarantine's own is synced here. Faults: io; where the file is
  // then is not known.
  [[nodiscard]] Result<void> take(std::filesystem::path const& file);
  // Removes what is beyond the limits; how many files that were.
  [[nodiscard]] Result<std::size_t> empty_oldest();
  [[nodiscard]] Contents contents() const;
  [[nodiscard]] std::filesystem::path const& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
  Fence& fence_;
  QuarantineLimits limits_;
  std::mutex changing_;  // held while the disk works
  mutable std::mutex counting_;
  Contents contents_;
};

}  // namespace chisme::node
