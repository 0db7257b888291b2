#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "web/byte_stream.hpp"
#include "web/gateway.hpp"
#include "web/http/request.hpp"
#include "web/websocket/frame_inspector.hpp"

namespace chisme::web {

// Close codes (RFC 6455, 7.4.1).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  unsupported_data = 1003,
  none = 1005,
  invalid_data = 1007,
  policy = 1008,
  too_big = 1009,
  internal_error = 1011,
};

// Session is what one WebSocket route does with its messages. Calls come from the loop; a session
// may use its channel from within them.
class Session {
 public:
  virtual ~Session() = default;
  virtual void opened() = 0;
  virtual void text(std::string_view message) = 0;
  // The next piece of a binary message; `last` when the message ends with it.
  virtual void binary(std::string piece, bool last) = 0;
  // The client has sent its close frame. It is answered by `Channel::answer_close`, before which
  // messages may still be sent.
  virtual void peer_closing(CloseCode code) = 0;
  // All that was sent is written.
  virtual void drained() = 0;
  // The channel is gone; nothing more is called.
  virtual void closed() = 0;
};

// Channel is one WebSocket connection (RFC 6455, server side) in terms of messages. It answers
// pings, sends its own every 20 s and ends a connection that was silent for 60 s.
//
// The loop's thread owns it, by shared_ptr; the channel holds its session until it is closed.
class Channel {
 public:
  virtual ~Channel() = default;

  virtual void send_text(std::string const& message) = 0;
  // One binary message.
  virtual void send_binary(std::string_view message) = 0;
  // One binary message: `prefix` and then `length` bytes of `object`, by sendfile.
  virtual void send_object(std::string_view prefix, std::shared_ptr<OpenObject const> object,
                           ByteOffset offset, ByteCount length) = 0;
  // Whether nothing waits to be written.
  [[nodiscard]] virtual bool is_drained() const = 0;
  // Bytes of messages (not of objects) that wait to be written.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;

  // Stops and resumes the client's messages: back-pressure. One piece at most is under way.
  virtual void pause() = 0;
  virtual void resume() = 0;

  // Closes once all that was sent is written; messages sent after this are dropped.
  virtual void close(CloseCode code, std::string_view reason) = 0;
  virtual void answer_close() = 0;
  // Cuts the connection off.
  virtual void abort() = 0;

  [[nodiscard]] virtual std::unique_ptr<ByteStream::Timer> after(Duration delay,
                                                                 std::function<void()> then) = 0;
};

using MakeSession = std::function<std::shared_ptr<Session>(std::shared_ptr<Channel>)>;

// Opens a channel over `stream`, whose peer sent the checked handshake `request` and then
// `already_read`. `on_closed` is called once.
[[nodiscard]] std::shared_ptr<Channel> open_channel(std::unique_ptr<ByteStream> stream,
                                                    Request const& request,
                                                    std::string already_read, FrameLimits limits,
                                                    MakeSession const& make_session,
                                                    std::function<void()> on_closed);

}  // namespace chisme::web
