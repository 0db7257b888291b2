#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "web/byte_stream.hpp"
#include "web/gateway.hpp"
#include "web/http/request.hpp"
#include "web/plan.hpp"

namespace chisme::web {

// WebSocketServer runs the WebSocket sessions of one web loop: it answers the handshake that a
// connection's request began and keeps each session until it is closed.
//
// The loop's thread owns it. `gateway` must outlive it. Destroying it cuts every session off.
class WebSocketServer {
 public:
  explicit WebSocketServer(Gateway& gateway);
  ~WebSocketServer();
  WebSocketServer(WebSocketServer const&) = delete;
  WebSocketServer& operator=(WebSocketServer const&) = delete;

  // Takes over `stream`, whose peer sent the checked handshake `request` and after it the bytes
  // `already_read`. `on_closed` is called once, when the session is over; that of a client whose
  // token is no longer valid is closed within `look_period`.
  void serve(std::unique_ptr<ByteStream> stream, Request const& request, std::string already_read,
             AcceptWebSocket accepted, std::function<void()> on_closed);
  static constexpr std::chrono::milliseconds look_period{1000};
  // Tells every client that the node goes away (1001); sessions end as their clients answer.
  void close_all();
  // Cuts every session off.
  void abort_all();
  [[nodiscard]] std::size_t open_sessions() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::web
