#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace chisme::web {

struct FrameLimits {
  // A text message in all its fragments.
  std::uint64_t text_bytes_max = 64 << 10;
  // Fragments of one text message.
  std::uint32_t text_fragments_max = 64;
  // Binary data is passed on in messages of at most this; a multiple of 4, so that the mask of a
  // cut frame stays aligned.
  std::uint32_t piece_bytes = 256 << 10;
  // Whether binary messages may come at all.
  bool binary = true;
};

// FrameInspector stands between a client's bytes and the WebSocket library (RFC 6455, 5.2), which
// knows whole messages only and whose own size check can be passed by a length near 2^64. It
// refuses what breaks the limits or the framing, and passes each binary frame on as messages of
// their own of at most `piece_bytes`, so that a message of any size takes constant memory.
//
// Errors: `failed`, with the close code to send; nothing more may be fed. One thread owns it.
// Never throws, never allocates but into `out`.
class FrameInspector {
 public:
  explicit FrameInspector(FrameLimits limits = {});

  enum class Stop {
    starved,      // all input was consumed
    piece_ended,  // `out` ends with the end of a message; `last_piece()` and `piece_text()` hold
    closing,      // the next frame is the client's close; it was not consumed
    failed,       // see `close_code()` and `reason()`
  };
  struct Step {
    Stop stop = Stop::starved;
    std::size_t consumed = 0;
  };
  // Takes bytes up to the end of one data message (or piece), and appends what the library may see.
  Step feed(std::span<std::byte const> bytes, std::string& out);
  // Lets the close frame through at which `feed` stopped.
  void let_close_through() { close_allowed_ = true; }

  // Whether the piece that ended was the end of the client's own message.
  [[nodiscard]] bool last_piece() const { return last_piece_; }
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] char const* reason() const { return reason_; }

 private:
  enum class Message { none, text, binary };

  std::size_t take_header(std::span<std::byte const> bytes);
  [[nodiscard]] bool header_complete() const;
  [[nodiscard]] std::size_t header_size() const;
  bool check_header();
  bool check_control(std::uint64_t length);
  bool check_data(std::uint8_t opcode, std::uint64_t length);
  bool refuse(std::uint16_t code, char const* reason);
  void begin_piece(std::string& out);
  Stop end_piece();

  FrameLimits limits_;
  std::array<std::uint8_t, 14> header_{};
  std::size_t header_have_ = 0;
  bool in_payload_ = false;
  std::uint64_t frame_left_ = 0;  // of the frame, beyond the piece
  std::uint64_t piece_left_ = 0;
  Message message_ = Message::none;  // the data message under way
  std::uint64_t text_bytes_ = 0;
  std::uint32_t text_fragments_ = 0;
  bool close_allowed_ = false;
  bool last_piece_ = false;
  std::uint16_t close_code_ = 0;
  char const* reason_ = "";
};

}  // namespace chisme::web
