#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "web/byte_stream.hpp"
#include "web/websocket/frame_inspector.hpp"

namespace chisme::web {

// Wire is the transport between a ByteStream and the WebSocket library: it inspects what comes in
// and hands it over no faster than asked for, one message (or piece) at a time, and it writes whole
// frames in order, the library's (pongs, texts) between the session's (bytes of objects).
//
// The loop's thread owns it. Its owner is kept alive by each completion of the stream.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  struct Events {
    // The client's close frame has come and is held back until `release_close`.
    std::function<void()> peer_closing;
    // The client broke the protocol; nothing more is read.
    std::function<void(std::uint16_t code, char const* reason)> violation;
    // The last queued write is done.
    std::function<void()> drained;
    // After `end_after_writes`: everything is written.
    std::function<void()> ended;
    // Bytes have come.
    std::function<void()> heard;
    // Bytes that the library itself keeps for writing.
    std::function<std::size_t()> library_backlog;
  };

  // `head` are bytes for the library that need no inspection, `already_read` the client's first.
  Wire(std::unique_ptr<ByteStream> stream, FrameLimits limits, std::string head,
       std::string already_read);
  // `owner` is kept alive while events may be called.
  void start(std::weak_ptr<void> owner, Events events);

  // The handshake is done.
  void opened() { opened_ = true; }
  // The library asks for at least one byte. One request at a time.
  void give(std::span<char> into, Done<std::size_t> done);
  // Between these the library is given nothing and, soon, nothing is read.
  void pause() { paused_ = true; }
  void resume();
  void release_close();

  void write(std::string frame, Done<void> done);
  void write_object(std::string header, std::shared_ptr<OpenObject const> object, ByteOffset offset,
                    ByteCount length, Done<void> done);
  // Bytes in memory that wait to be written.
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  [[nodiscard]] bool is_drained() const { return !writing_ && queue_.empty(); }
  [[nodiscard]] bool is_paused() const { return paused_; }

  [[nodiscard]] FrameInspector const& inspector() const { return inspector_; }
  [[nodiscard]] ByteStream& stream() { return *stream_; }
  // Reads no more; calls `ended` when all is written.
  void end_after_writes();
  void close_gently();
  void close();

 private:
  struct Outgoing {
    std::string bytes;
    std::shared_ptr<OpenObject const> object;  // or null
    ByteOffset offset;
    ByteCount length;
    Done<void> done;
  };

  void pump();
  bool deliver();
  bool inspect();
  void read_stream();
  void fit_buffers();
  void received(Result<std::size_t> count);
  void answer(Result<std::size_t> result);
  void enqueue(Outgoing outgoing);
  void write_next();
  void written(Result<void> result);
  void settle();
  [[nodiscard]] bool congested() const;

  std::unique_ptr<ByteStream> stream_;
  FrameInspector inspector_;
  std::weak_ptr<void> owner_;
  Events events_;

  std::vector<std::byte> input_;  // from the stream, not inspected yet from `input_begin_` on
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::size_t last_read_ = 0;
  std::string ready_;  // for the library, from `ready_begin_` on
  std::size_t ready_begin_ = 0;
  std::span<char> wanted_;
  Done<std::size_t> want_;
  bool pumping_ = false;
  bool reading_ = false;
  bool paused_ = false;
  bool opened_ = false;
  bool close_held_ = false;
  bool close_announced_ = false;
  bool deaf_ = false;   // nothing more is taken from the client
  bool ended_ = false;  // the client's side has ended
  bool closed_ = false;

  std::list<Outgoing> queue_;  // which costs nothing while it is empty
  Done<void> write_done_;
  std::size_t queued_bytes_ = 0;
  std::size_t writing_bytes_ = 0;
  bool writing_ = false;
  bool ending_ = false;
};

}  // namespace chisme::web
