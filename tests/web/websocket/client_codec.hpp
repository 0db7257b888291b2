#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// A WebSocket client's side of the wire, for tests: independent of the code under test.
namespace chisme::web {

constexpr char const* test_key = "dGhlIHNhbXBsZSBub25jZQ==";               // RFC 6455, 1.3
constexpr char const* test_key_accepted = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // its answer

namespace opcode {
constexpr int continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10;
}

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// The header of a masked frame that claims `length` bytes; mask 1 2 3 4.
inline std::string client_header(int code, std::uint64_t length, bool final = true) {
  std::string header(1, static_cast<char>((final ? 0x80 : 0) | code));
  if (length < 126) {
    header += static_cast<char>(0x80 | length);
  } else if (length < 65536) {
    header += static_cast<char>(0x80 | 126);
    header += big_endian(length, 2);
  } else {
    header += static_cast<char>(0x80 | 127);
    header += big_endian(length, 8);
  }
  return header + "\1\2\3\4";
}

inline std::string masked(std::string payload) {
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(i % 4 + 1));
  }
  return payload;
}

inline std::string client_frame(int code, std::string_view payload, bool final = true) {
  return client_header(code, payload.size(), final) + masked(std::string(payload));
}
inline std::string client_close(int close_code) {
  return client_frame(opcode::close, big_endian(static_cast<std::uint64_t>(close_code), 2));
}

struct ServerFrame {
  int code = 0;
  bool final = false;
  std::string payload;
  // Of a close frame.
  [[nodiscard]] int close_code() const {
    if (payload.size() < 2) return 1005;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

// Takes one whole frame from the front of `bytes`; nullopt when there is none yet.
inline std::optional<ServerFrame> take_frame(std::string& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  std::size_t length = byte(1) & 0x7f;
  std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  if (bytes.size() < 2 + extended) return std::nullopt;
  if (extended > 0) length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
  if (bytes.size() < 2 + extended + length) return std::nullopt;
  ServerFrame frame{byte(0) & 0x0f, (byte(0) & 0x80) != 0, bytes.substr(2 + extended, length)};
  bytes.erase(0, 2 + extended + length);
  return frame;
}

}  // namespace chisme::web
