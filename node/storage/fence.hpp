#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "cluster/base/result.hpp"

namespace chisme::node {

// Fence stands between a node and its disk once the disk failed to sync. What the kernel then has
// in memory is no longer what the disk has, and a later sync would not tell (Rebello et al., "Can
// Applications Recover from fsync Failures?", ATC 2020): so nothing is written or promised any more
// until the process starts again and reads what is really there. What was synced before is still
// read.
//
// One for all of a node's stores. Thread-safe; it never opens again.
class Fence {
 public:
  // Says what closed it: called once, in the thread that met the failure. To be set before others
  // use the fence.
  void on_close(std::function<void(std::string const& reason)> call) {
    on_close_ = std::move(call);
  }

  // `failure` names the path and the system's error. Only the first one counts.
  void close(Error const& failure);
  // Closes it when `synced` failed; returns `synced`.
  [[nodiscard]] Result<void> guard(Result<void> synced);

  [[nodiscard]] bool is_closed() const { return closed_; }
  // Fault: unavailable once it is closed, with a sentence that names the path and the error.
  [[nodiscard]] Result<void> check() const;
  // "syncing /data/objects/ab: Input/output error"; empty while it is open.
  [[nodiscard]] std::string reason() const;

 private:
  std::function<void(std::string const&)> on_close_;
  std::atomic<bool> closed_{false};
  mutable std::mutex mutex_;
  Error failure_;
};

}  // namespace chisme::node
