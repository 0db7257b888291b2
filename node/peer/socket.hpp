#pragma once

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/peer/caller.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/security/peer_keys.hpp"

namespace chisme::node {

// How long the packets of a connection are, both ways: as the network says, or so short that they
// pass wherever IP does.
enum class Segments : std::uint8_t { full, small };

// PeerSocket is a TCP connection between two nodes on which no operation waits for ever: each names
// how long it may take without finishing; past it the socket is closed and the operation fails.
//
// While what the connecting side sent is not acknowledged it looks whether it gets through at all:
// when the same bytes were lost four times it ends the connection, which fails, and notes that the
// path may be one where long packets are lost. It connects with small segments on such a path.
//
// Where the cluster has a secret everything goes through TLS, which proves on both sides that the
// other one knows it.
//
// Held by shared_ptr: whoever runs a coroutine on it keeps it alive. One loop's thread. Reads and
// writes may overlap; two reads, or two writes, may not. Faults: unavailable (refused, reset, timed
// out), incomplete (the other side ended), cancelled (closed here).
class PeerSocket : public std::enable_shared_from_this<PeerSocket> {
 public:
  // `session`: of this connection, from where it was accepted; nullptr for a plain one.
  PeerSocket(asio::ip::tcp::socket accepted, std::shared_ptr<TlsSession> session);
  PeerSocket(asio::io_context& loop, Caller caller, StreamKind kind);

  // The accepting side's part of making the connection a secret one; nothing for a plain one.
  [[nodiscard]] asio::awaitable<Result<void>> accept(Duration limit);
  // Connects and says hello. REQUIRES: it was not accepted.
  [[nodiscard]] asio::awaitable<Result<void>> connect(Endpoint to, Duration limit,
                                                      Segments segments = Segments::full);
  // Fills `into`.
  [[nodiscard]] asio::awaitable<Result<void>> read(std::span<std::byte> into, Duration limit);
  // At least one byte.
  [[nodiscard]] asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> into,
                                                               Duration limit);
  // All of `head`, then all of `body`; both must live until then.
  [[nodiscard]] asio::awaitable<Result<void>> write(std::span<std::byte const> head,
                                                    std::span<std::byte const> body,
                                                    Duration limit);
  // `length` bytes of the file, by sendfile where nothing is encrypted; `limit` is for each step of
  // progress.
  [[nodiscard]] asio::awaitable<Result<void>> send_file(int descriptor, ByteOffset offset,
                                                        ByteCount length, Duration limit);
  // Ends the sending side and waits, at most `limit`, for the other side's end.
  [[nodiscard]] asio::awaitable<void> close_gently(Duration limit);
  void close();
  // Calls `then` once, when bytes or the end of the connection have come, but not after `close`.
  void on_readable(std::function<void()> then);
  // The bare socket, and the session over it; this one is closed then.
  struct Released {
    asio::ip::tcp::socket socket;
    std::shared_ptr<TlsSession> session;
  };
  [[nodiscard]] Released release();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  // An operation took too long.
  [[nodiscard]] bool is_timed_out() const { return timed_out_; }
  // The other side hears us, and its long packets may get lost on the way here.
  void note_narrow_path();

 private:
  // What a connecting side knows and an accepting one does not.
  struct Path {
    NarrowPaths& narrow;
    PeerKeys const& keys;
    Hello hello;
    Endpoint to{};
  };

  using TlsStep = std::function<TlsSession::Step()>;

  void open(asio::ip::tcp protocol, Segments segments, asio::error_code& error);
  [[nodiscard]] asio::awaitable<Result<void>> secure(Duration limit);
  // Takes the step until it is done. Of these three each REQUIRES that a limit is armed.
  [[nodiscard]] asio::awaitable<Result<std::size_t>> run_tls(TlsStep step);
  [[nodiscard]] asio::awaitable<Result<void>> read_tls(std::span<std::byte> into);
  [[nodiscard]] asio::awaitable<Result<void>> write_tls(std::span<std::byte const> bytes);
  [[nodiscard]] asio::awaitable<Result<void>> send_file_tls(int descriptor, ByteOffset offset,
                                                            ByteCount length, Duration limit);
  void arm(Duration limit);
  void disarm() { armed_ = false; }
  [[nodiscard]] asio::steady_timer::time_point next_look() const;
  void wait();
  void look();
  void give_up();
  [[nodiscard]] Error failure(asio::error_code const& error) const;

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer::time_point deadline_{};
  std::optional<Path> path_;
  std::shared_ptr<TlsSession> session_;  // nullptr: plain
  bool armed_ = false;
  bool outstanding_ = false;  // bytes may not be acknowledged yet; of a connecting side alone
  bool waiting_ = false;
  bool timed_out_ = false;
  bool stuck_ = false;
};

}  // namespace chisme::node
