#include "web/websocket/frame_inspector.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"

namespace chisme::web {

namespace {
// Opcodes (RFC 6455, 5.2).
constexpr std::uint8_t continuation_opcode = 0x0;
constexpr std::uint8_t text_opcode = 0x1;
constexpr std::uint8_t binary_opcode = 0x2;
constexpr std::uint8_t close_opcode = 0x8;
constexpr std::uint8_t pong_opcode = 0xa;
constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::size_t mask_bytes = 4;
// Close codes (7.4.1).
constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t unsupported_data = 1003;
constexpr std::uint16_t no_code = 1005;
constexpr std::uint16_t too_big = 1009;

bool is_control(std::uint8_t opcode) {
  return opcode >= close_opcode;
}

// Appends a length as a frame has it, `mask` being the mask bit.
void put_length(std::string& out, std::uint64_t length, std::uint8_t mask) {
  auto const put = [&out, length](int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(length >> (8 * i));
  };
  if (length < 126) {
    out += static_cast<char>(mask | length);
  } else if (length < 65536) {
    out += static_cast<char>(mask | 126);
    put(2);
  } else {
    out += static_cast<char>(mask | 127);
    put(8);
  }
}
}  // namespace

std::string binary_frame_header(std::uint64_t payload_bytes) {
  std::string header(1, static_cast<char>(final_bit | binary_opcode));
  put_length(header, payload_bytes, 0);
  return header;
}

FrameInspector::FrameInspector(FrameLimits limits) : limits_(limits) {
  CHECK(limits_.piece_bytes > 0 && limits_.piece_bytes % 4 == 0);
}

std::size_t FrameInspector::extended_bytes() const {
  std::uint8_t const short_length = header_[1] & 0x7f;
  return short_length == 127 ? 8 : short_length == 126 ? 2 : 0;
}

std::uint64_t FrameInspector::payload_length() const {
  std::size_t const extended = extended_bytes();
  if (extended == 0) return header_[1] & 0x7f;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | header_[2 + i];
  return length;
}

// Bytes of the header as far as it is known: an unmasked frame is refused by its first two bytes.
std::size_t FrameInspector::header_size() const {
  if (header_have_ < 2) return 2;
  if ((header_[1] & mask_bit) == 0) return 2;
  std::size_t const size = 2 + extended_bytes() + mask_bytes;
  bool const has_code = opcode() == close_opcode && extended_bytes() == 0 && payload_length() >= 2;
  return has_code ? size + 2 : size;
}

std::uint16_t FrameInspector::peer_close_code() const {
  if (opcode() != close_opcode || header_have_ < 8) return no_code;
  // The mask's first two bytes cover the code.
  return static_cast<std::uint16_t>((header_[6] ^ header_[2]) << 8 | (header_[7] ^ header_[3]));
}

std::size_t FrameInspector::take_header(std::span<std::byte const> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && header_have_ < header_size()) {
    header_[header_have_++] = static_cast<std::uint8_t>(bytes[taken++]);
  }
  return taken;
}

bool FrameInspector::refuse(std::uint16_t code, char const* reason) {
  place_ = Place::failed;
  close_code_ = code;
  reason_ = reason;
  return false;
}

bool FrameInspector::accept_frame() {
  if ((header_[1] & mask_bit) == 0) return refuse(protocol_error, "a frame is not masked");
  if ((header_[0] & reserved_bits) != 0) return refuse(protocol_error, "a reserved bit is set");
  std::uint64_t const length = payload_length();
  bool const minimal = extended_bytes() == 0 || (extended_bytes() == 2 && length >= 126) ||
                       (extended_bytes() == 8 && length >= 65536);
  if (!minimal) return refuse(protocol_error, "a frame's length is not in its shortest form");
  if (length >> 63 != 0) return refuse(protocol_error, "a frame's length is negative");
  return is_control(opcode()) ? accept_control(length) : accept_data(length);
}

bool FrameInspector::accept_control(std::uint64_t length) {
  if (opcode() > pong_opcode) return refuse(protocol_error, "an opcode is reserved");
  if (!final()) return refuse(protocol_error, "a control frame is fragmented");
  if (length > 125) return refuse(protocol_error, "a control frame is too long");
  if (opcode() == close_opcode && length == 1) return refuse(protocol_error, "half a close code");
  return true;
}

bool FrameInspector::accept_data(std::uint64_t length) {
  if (opcode() > binary_opcode) return refuse(protocol_error, "an opcode is reserved");
  bool const continues = opcode() == continuation_opcode;
  if (continues != (message_ != Message::none)) {
    return refuse(protocol_error,
                  continues ? "a continuation of nothing" : "a message begins within another");
  }
  if (!continues) {
    message_ = opcode() == text_opcode ? Message::text : Message::binary;
    text_bytes_ = 0;
    text_fragments_ = 0;
  }
  if (message_ == Message::binary) {
    return limits_.binary || refuse(unsupported_data, "binary messages are not understood here");
  }
  if (length > limits_.text_bytes_max - text_bytes_) {
    return refuse(too_big, "a text message is too long");
  }
  text_bytes_ += length;
  return ++text_fragments_ <= limits_.text_fragments_max ||
         refuse(too_big, "a text message has too many fragments");
}

// Passes a binary piece's own header on, as if the client had sent the piece as a message.
void FrameInspector::begin_piece(std::string& out) {
  piece_left_ = std::min<std::uint64_t>(frame_left_, limits_.piece_bytes);
  frame_left_ -= piece_left_;
  out += static_cast<char>(final_bit | binary_opcode);
  put_length(out, piece_left_, mask_bit);
  auto const* const mask = reinterpret_cast<char const*>(header_.data()) + 2 + extended_bytes();
  out.append(mask, mask_bytes);
  place_ = Place::payload;
}

void FrameInspector::begin_payload(std::string& out) {
  if (!is_control(opcode()) && message_ == Message::binary) {
    frame_left_ = payload_length();
    return begin_piece(out);
  }
  out.append(reinterpret_cast<char const*>(header_.data()), header_have_);
  frame_left_ = 0;
  // The code of a close frame went out with the header.
  piece_left_ = payload_length() - (header_have_ - 2 - extended_bytes() - mask_bytes);
  place_ = Place::payload;
}

bool FrameInspector::end_payload() {
  if (frame_left_ > 0) {
    last_piece_ = false;
    place_ = Place::between_pieces;
    return true;
  }
  bool const data = !is_control(opcode());
  bool const binary_data = data && message_ == Message::binary;
  bool const ended = data && final();
  if (data) last_piece_ = ended;
  if (ended) message_ = Message::none;
  header_have_ = 0;
  accepted_ = false;
  place_ = Place::header;
  return binary_data || ended;
}

FrameInspector::Step FrameInspector::feed(std::span<std::byte const> bytes, std::string& out) {
  std::size_t consumed = 0;
  while (true) {
    if (place_ == Place::failed) return {Stop::failed, consumed};
    if (place_ == Place::header) {
      consumed += take_header(bytes.subspan(consumed));
      if (header_have_ < header_size()) return {Stop::starved, consumed};
      if (!accepted_ && !(accepted_ = accept_frame())) continue;
      if (opcode() == close_opcode && !close_allowed_) return {Stop::closing, consumed};
      begin_payload(out);
    } else if (place_ == Place::between_pieces) {
      if (consumed == bytes.size()) return {Stop::starved, consumed};
      begin_piece(out);
    }
    auto const count =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece_left_, bytes.size() - consumed));
    out.append(reinterpret_cast<char const*>(bytes.data()) + consumed, count);
    consumed += count;
    piece_left_ -= count;
    if (piece_left_ > 0) return {Stop::starved, consumed};
    if (end_payload()) return {Stop::piece_ended, consumed};
  }
}

}  // namespace chisme::web
