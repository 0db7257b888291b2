#include "node/cli/event_stream.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

#include "cluster/base/check.hpp"
#include "web/http/response_parser.hpp"

namespace chisme::node::cli {
namespace {

constexpr unsigned continuation_opcode = 0;
constexpr unsigned text_opcode = 1;
constexpr unsigned close_opcode = 8;
constexpr unsigned ping_opcode = 9;
constexpr unsigned pong_opcode = 10;

std::string base64(std::span<unsigned char const> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(),
                  static_cast<int>(bytes.size()));
  return out;
}

// What the server must answer to a key (RFC 6455, 4.2.2).
std::string accept_of(std::string const& key) {
  std::string const joined = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  CHECK(EVP_Digest(joined.data(), joined.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return base64(digest);
}

template <std::size_t Size>
std::array<unsigned char, Size> random_bytes() {
  std::array<unsigned char, Size> bytes{};
  CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return bytes;
}

}  // namespace

tl::unexpected<Error> EventStream::broken(std::string const& what) const {
  return fail(Fault::unavailable, to_string(connection_.origin()) + " " + what);
}

Result<EventStream> EventStream::open(Origin const& origin, std::string const& target,
                                      std::string const& token) {
  auto connection = Connection::open(origin, std::chrono::seconds{3});
  if (!connection) return tl::unexpected<Error>(connection.error());
  connection->set_patience(silence_max);
  EventStream stream(std::move(*connection));
  if (auto done = stream.shake_hands(target, token); !done)
    return tl::unexpected<Error>(done.error());
  return stream;
}

Result<void> EventStream::shake_hands(std::string const& target, std::string const& token) {
  std::string const key = base64(random_bytes<16>());
  std::string const head =
      "GET " + target + " HTTP/1.1\r\nHost: " +
      to_string(connection_.origin()).substr(std::string("http://").size()) +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: " +
      key + (token.empty() ? "" : "\r\nAuthorization: Bearer " + token) + "\r\n\r\n";
  if (auto sent = connection_.write_all(std::as_bytes(std::span(head))); !sent) return sent;
  web::ResponseParser parser;
  for (;;) {
    if (auto more = fill(); !more) return more;
    auto const progress = parser.feed(std::as_bytes(std::span(received_)));
    if (progress.state == web::ParseState::failed) return broken(parser.failure().message);
    received_.erase(0, progress.consumed);
    if (progress.state == web::ParseState::head) continue;
    web::Response const& response = parser.response();
    if (response.status != 101 || response.header("Sec-WebSocket-Accept") != accept_of(key)) {
      return broken("opens no WebSocket (status " + std::to_string(response.status) + ")");
    }
    return {};
  }
}

Result<void> EventStream::fill() {
  std::array<std::byte, 1 << 16> block{};
  auto const got = connection_.read_some(block);
  if (!got) return tl::unexpected<Error>(got.error());
  if (*got == 0) return broken("closed the connection");
  received_.append(reinterpret_cast<char const*>(block.data()), *got);
  return {};
}

// A whole frame, off the front of what was received. Servers do not mask (RFC 6455, 5.1).
std::optional<EventStream::Frame> EventStream::take_frame() {
  auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(received_[at]); };
  if (received_.size() < 2) return std::nullopt;
  std::uint64_t length = byte(1) & 0x7f;
  std::size_t const extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (received_.size() < 2 + extra) return std::nullopt;
  if (extra > 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
  too_large_ = (byte(1) & 0x80) != 0 || length > message_bytes_max;
  if (too_large_ || received_.size() < 2 + extra + length) return std::nullopt;
  Frame frame{(byte(0) & 0x80) != 0, byte(0) & 0x0fu, received_.substr(2 + extra, length)};
  received_.erase(0, 2 + extra + length);
  return frame;
}

// Control frames only: at most 125 bytes, masked.
Result<void> EventStream::send(unsigned opcode, std::string const& payload) {
  auto const mask = random_bytes<4>();
  std::string frame{static_cast<char>(0x80 | opcode),
                    static_cast<char>(0x80 | (payload.size() & 0x7f))};
  for (unsigned char const byte : mask) frame += static_cast<char>(byte);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
  }
  return connection_.write_all(std::as_bytes(std::span(frame)));
}

Result<std::optional<std::string>> EventStream::next() {
  for (bool pinged = false;;) {
    while (auto frame = take_frame()) {
      if (frame->opcode == close_opcode) return std::nullopt;
      if (frame->opcode == ping_opcode && frame->payload.size() <= 125) {
        if (auto sent = send(pong_opcode, frame->payload); !sent) {
          return tl::unexpected<Error>(sent.error());
        }
      }
      if (frame->opcode != text_opcode && frame->opcode != continuation_opcode) continue;
      message_ += frame->payload;
      if (message_.size() > message_bytes_max) return broken("sent a message that is too large");
      if (frame->last) return std::exchange(message_, {});
    }
    if (too_large_) return broken("sent a frame that is too large or masked");
    if (auto more = fill(); more) {
      pinged = false;
    } else if (pinged || more.error().system_error != ETIMEDOUT) {
      return tl::unexpected<Error>(more.error());
    } else if (auto sent = send(ping_opcode, ""); !sent) {
      return tl::unexpected<Error>(sent.error());
    } else {
      pinged = true;
    }
  }
}

}  // namespace chisme::node::cli
