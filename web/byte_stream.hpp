#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "web/gateway.hpp"

namespace chisme::web {

// ByteStream is a connected socket as a WebSocket session needs it. `node/` implements it. One loop
// owns it; completions come from the loop, never from within the call. After `close`, pending
// completions are called with Fault::cancelled.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads at least one byte into `into`, which must live until `done`; 0 is the end of the stream.
  virtual void read(std::span<std::byte> into, Done<std::size_t> done) = 0;
  // Writes all of `bytes`. One write (of either kind) is pending at a time.
  virtual void write(std::string bytes, Done<void> done) = 0;
  // Writes `header`, then `length` bytes of `object` from `offset`, by sendfile.
  virtual void write_object(std::string header, std::shared_ptr<OpenObject const> object,
                            ByteOffset offset, ByteCount length, Done<void> done) = 0;
  // How many bytes the peer's system has taken in all; nullopt when that is not known.
  [[nodiscard]] virtual std::optional<std::uint64_t> taken_bytes() const { return std::nullopt; }
  // Calls `then` after `delay`, unless the timer is destroyed first.
  class Timer {
   public:
    virtual ~Timer() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration delay,
                                                     std::function<void()> then) = 0;
  // Sends what is written, ends the sending side, waits shortly for the peer's end, then closes.
  virtual void close_gently() = 0;
  virtual void close() = 0;
};

}  // namespace chisme::web
