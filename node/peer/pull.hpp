#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <span>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/socket.hpp"

namespace chisme::node {

// PullConnection reads ranges of one holder's objects: `request`, then `read` until the range is
// through, then perhaps the next `request`. It connects when it must. After a failure only
// destruction makes sense.
//
// One loop's thread; one operation at a time. Faults: those of PeerSocket, and what the holder says
// (not_found, corrupt, io).
class PullConnection {
 public:
  // `limit`: how long any step may take without progress.
  PullConnection(asio::io_context& loop, Caller caller, Endpoint holder, Duration limit);
  ~PullConnection();
  PullConnection(PullConnection const&) = delete;
  PullConnection& operator=(PullConnection const&) = delete;

  // REQUIRES: nothing is left of the range before.
  [[nodiscard]] asio::awaitable<Result<PullAnswer>> request(PullRequest wanted);
  // At least one byte of the range. REQUIRES: `left()` is not zero.
  [[nodiscard]] asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into);
  // What is still to come of the range.
  [[nodiscard]] ByteCount left() const { return left_; }
  // Makes a pending operation fail.
  void close() { socket_->close(); }

 private:
  std::shared_ptr<PeerSocket> socket_;
  Endpoint holder_;
  Duration limit_;
  ByteCount left_;
};

}  // namespace chisme::node
