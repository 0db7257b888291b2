#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "cluster/base/result.hpp"
#include "node/cli/origin.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// Connection is a blocking TCP connection of a command to a node. Every call gives up after
// `patience` without a byte moving. One thread owns it.
//
// Errors are `unavailable` with a sentence that names the node.
class Connection {
 public:
  using Patience = std::chrono::milliseconds;
  [[nodiscard]] static Result<Connection> open(Origin const& origin, Patience patience);

  // At least one byte; 0 at the end of the stream.
  [[nodiscard]] Result<std::size_t> read_some(std::span<std::byte> into);
  // Writes all of it, or stops early because the other side has something to say: true when all.
  [[nodiscard]] Result<bool> write_unless_answered(std::span<std::byte const> bytes);
  [[nodiscard]] Result<void> write_all(std::span<std::byte const> bytes);
  [[nodiscard]] Origin const& origin() const { return origin_; }
  // How long each call waits from now on.
  void set_patience(Patience patience) { patience_ = patience; }

 private:
  Connection(Origin origin, Descriptor socket, Patience patience)
      : origin_(std::move(origin)), socket_(std::move(socket)), patience_(patience) {}
  [[nodiscard]] Result<short> wait_for(short events);

  Origin origin_;
  Descriptor socket_;
  Patience patience_;
};

}  // namespace chisme::node::cli
