#pragma once

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/peer/framing.hpp"

namespace chisme::node {

// PeerSocket is a TCP connection between two nodes on which no operation waits for ever: each names
// how long it may take without finishing; past it the socket is closed and the operation fails.
//
// Held by shared_ptr: whoever runs a coroutine on it keeps it alive. One loop's thread. Reads and
// writes may overlap; two reads, or two writes, may not. Faults: unavailable (refused, reset, timed
// out), incomplete (the other side ended), cancelled (closed here).
class PeerSocket : public std::enable_shared_from_this<PeerSocket> {
 public:
  explicit PeerSocket(asio::ip::tcp::socket socket);
  explicit PeerSocket(asio::io_context& loop);

  // Connects and says hello.
  [[nodiscard]] asio::awaitable<Result<void>> connect(Endpoint to, Hello hello, Duration limit);
  // Fills `into`.
  [[nodiscard]] asio::awaitable<Result<void>> read(std::span<std::byte> into, Duration limit);
  // At least one byte.
  [[nodiscard]] asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> into,
                                                               Duration limit);
  // All of `head`, then all of `body`; both must live until then.
  [[nodiscard]] asio::awaitable<Result<void>> write(std::span<std::byte const> head,
                                                    std::span<std::byte const> body,
                                                    Duration limit);
  // `length` bytes of the file by sendfile; `limit` is for each step of progress.
  [[nodiscard]] asio::awaitable<Result<void>> send_file(int descriptor, ByteOffset offset,
                                                        ByteCount length, Duration limit);
  // Ends the sending side and waits, at most `limit`, for the other side's end.
  [[nodiscard]] asio::awaitable<void> close_gently(Duration limit);
  void close();
  // Calls `then` once, when bytes or the other side's end have come, but not after `close`.
  void on_readable(std::function<void()> then);
  // The bare socket; this one is closed then.
  [[nodiscard]] asio::ip::tcp::socket release();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

 private:
  void arm(Duration limit);
  void disarm() { armed_ = false; }
  void wait();
  [[nodiscard]] Error failure(asio::error_code const& error) const;

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer::time_point deadline_{};
  bool armed_ = false;
  bool waiting_ = false;
  bool timed_out_ = false;
};

}  // namespace chisme::node
