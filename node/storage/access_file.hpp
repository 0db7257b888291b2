#pragma once

#include <asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "cluster/base/result.hpp"
#include "cluster/effect.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/fence.hpp"

// DATA/access: what a node remembers of its clients' credentials (cluster/access), as a line with
// the SHA-256 of the rest, and the rest.
namespace chisme::node {

// Nothing when there is no file. Faults: corrupt (with a sentence that says what to do), io.
[[nodiscard]] Result<cluster::AccessNews> read_access_file(std::filesystem::path const& data);
// Replaces it at once, synced. On failure the old one stays. Faults: no_space, io.
[[nodiscard]] Result<void> write_access_file(std::filesystem::path const& data,
                                             cluster::AccessNews const& all);

// AccessWriter makes a core's SaveAccess durable. While the disk is full, or has too much to do, it
// tries again every second; any other failure closes the fence, and nothing more is saved.
//
// The control loop's thread; `on_saved` is called on it.
class AccessWriter {
 public:
  using OnSaved = std::function<void(cluster::AccessSaveId)>;
  // `loop` and `disk` must outlive it.
  AccessWriter(asio::io_context& loop, std::filesystem::path data, DiskPool& disk,
               std::shared_ptr<Fence> fence, OnSaved on_saved);
  ~AccessWriter();
  AccessWriter(AccessWriter const&) = delete;
  AccessWriter& operator=(AccessWriter const&) = delete;

  void save(cluster::SaveAccess save);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
