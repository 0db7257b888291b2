#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "node/http/sendfile.hpp"
#include "node/security/tls_session.hpp"

namespace chisme::node {

// ClientSocket is a client's connected TCP socket, plain or with TLS over it. Everything is sent
// through it; what comes is read through it only where it is secure: from a plain one, and to wait,
// by way of `tcp`.
//
// Its operations do what they can at once: the socket must not block. One loop's thread.
class ClientSocket {
 public:
  using Tcp = asio::ip::tcp::socket;
  using Step = TlsSession::Step;

  explicit ClientSocket(Tcp connected) : tcp_(std::move(connected)) {}

  // From now on everything goes through `session`, which is over this socket and begins with its
  // handshake.
  void secure(std::shared_ptr<TlsSession> session) { session_ = std::move(session); }
  [[nodiscard]] bool is_secure() const { return session_ != nullptr; }
  [[nodiscard]] bool is_open() const { return tcp_.is_open(); }
  [[nodiscard]] Tcp& tcp() { return tcp_; }

  // The next step of the handshake. It fails when a client sends more for it than any needs.
  // REQUIRES: it is secure, and open.
  [[nodiscard]] Step shake_hands();
  // At least one byte. REQUIRES: it is secure, and open; `into` is not empty.
  [[nodiscard]] Step receive(std::span<std::byte> into);
  // Whether `receive` would have an answer at once. REQUIRES: it is secure, and open.
  [[nodiscard]] bool is_readable();

  // Sends of `head`, then of `body`, what is taken at once, and takes it off their fronts. `full`:
  // try again, with the same, when the socket can be written. REQUIRES: it is open.
  [[nodiscard]] Sent send(std::string_view& head, std::string_view& body);
  // The same of `head`, then of the object, at most some MiB of it; in one packet, if they fit.
  [[nodiscard]] Sent send_object(std::string_view& head, SendingObject& object);

  // Nothing more is sent; the client may still send. After it `tcp` is read, whose bytes no longer
  // mean anything.
  void end_sending(asio::error_code& error);
  void close();

 private:
  [[nodiscard]] Sent send_secure(std::string_view& head, std::string_view& body);
  [[nodiscard]] Sent send_object_secure(std::string_view& head, SendingObject& object);
  [[nodiscard]] Sent send_object_by_kernel(std::string_view& head, SendingObject& object);

  Tcp tcp_;
  std::shared_ptr<TlsSession> session_;  // nullptr: plain
};

// What to wait for before the step is taken again. REQUIRES: it waits.
[[nodiscard]] inline asio::socket_base::wait_type awaited(ClientSocket::Step const& step) {
  return step.state == ClientSocket::Step::State::wants_read ? asio::socket_base::wait_read
                                                             : asio::socket_base::wait_write;
}
[[nodiscard]] inline bool waits(ClientSocket::Step const& step) {
  return step.state == ClientSocket::Step::State::wants_read ||
         step.state == ClientSocket::Step::State::wants_write;
}

}  // namespace chisme::node
