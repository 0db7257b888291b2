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
// Never throws, never allocates but into `out`, to which it adds no more than it consumed and one
// header.
class FrameInspector {
 public:
  // REQUIRES: `limits.piece_bytes` is a positive multiple of 4.
  explicit FrameInspector(FrameLimits limits = {});

  enum class Stop {
    starved,      // all input was consumed
    piece_ended,  // `out` ends with the end of a data message (or piece); see `last_piece`
    closing,      // the client's close frame has begun and is held back; see `peer_close_code`
    failed,       // see `close_code` and `reason`
  };
  struct Step {
    Stop stop = Stop::starved;
    std::size_t consumed = 0;
  };
  // Takes bytes up to the end of one data message (or piece), and appends what the library may see.
  Step feed(std::span<std::byte const> bytes, std::string& out);
  // Lets the close frame through that is held back; `feed` goes on with it.
  void let_close_through() { close_allowed_ = true; }

  // Whether the piece that ended was the end of the client's own message.
  [[nodiscard]] bool last_piece() const { return last_piece_; }
  // The code in the client's close frame; 1005 when it has none.
  [[nodiscard]] std::uint16_t peer_close_code() const;
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] char const* reason() const { return reason_; }

 private:
  enum class Message { none, text, binary };
  enum class Place { header, payload, between_pieces, failed };

  [[nodiscard]] std::uint8_t opcode() const { return header_[0] & 0x0f; }
  [[nodiscard]] bool final() const { return (header_[0] & 0x80) != 0; }
  [[nodiscard]] std::size_t header_size() const;
  [[nodiscard]] std::size_t extended_bytes() const;
  [[nodiscard]] std::uint64_t payload_length() const;
  std::size_t take_header(std::span<std::byte const> bytes);
  bool accept_frame();
  bool accept_control(std::uint64_t length);
  bool accept_data(std::uint64_t length);
  bool refuse(std::uint16_t code, char const* reason);
  void begin_payload(std::string& out);
  void begin_piece(std::string& out);
  // Whether the caller must be told.
  bool end_payload();

  FrameLimits limits_;
  std::array<std::uint8_t, 14> header_{};  // of the frame under way; for close also its code
  std::size_t header_have_ = 0;
  bool accepted_ = false;  // the header was checked
  Place place_ = Place::header;
  std::uint64_t frame_left_ = 0;     // of the frame, after the piece under way
  std::uint64_t piece_left_ = 0;     // of the piece (or of a frame that is passed on as it is)
  Message message_ = Message::none;  // the data message under way
  std::uint64_t text_bytes_ = 0;
  std::uint32_t text_fragments_ = 0;
  bool close_allowed_ = false;
  bool last_piece_ = false;
  std::uint16_t close_code_ = 0;
  char const* reason_ = "";
};

// The header of an unmasked, unfragmented binary frame: what a server sends.
[[nodiscard]] std::string binary_frame_header(std::uint64_t payload_bytes);

}  // namespace chisme::web
