#include "node/http/client_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace chisme::node {
namespace {

using StepState = ClientSocket::Step::State;

// Answers are written in pieces; when the socket is full, there must be progress.
constexpr std::size_t write_piece_bytes = 64 << 10;
// A hello with all that browsers put into it has 2 KiB, and clients show no certificates.
constexpr std::uint64_t handshake_bytes_max = 64 << 10;
// What is encrypted before the loop's others have their turn: half a millisecond or so.
constexpr std::uint64_t secure_turn_bytes = 512 << 10;
constexpr std::size_t secure_piece_bytes = 64 << 10;
// RFC 8446, 5.1.
constexpr std::size_t record_bytes_max = 16 << 10;

// Where bytes are put together before they are encrypted. One for each loop: what OpenSSL could not
// send yet it has encrypted already, and keeps.
std::span<std::byte> scratch() {
  static thread_local std::array<std::byte, secure_piece_bytes> bytes;
  return bytes;
}

std::size_t take_off(std::string_view& head, std::size_t count) {
  std::size_t const of_head = std::min(head.size(), count);
  head.remove_prefix(of_head);
  return count - of_head;
}

Sent sent_of(StepState state) {
  return state == StepState::wants_write ? Sent::full : Sent::failed;
}

Sent failure_or_full() {
  if (errno == EINTR) return Sent::some;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Sent::full : Sent::failed;
}

// How many bytes of the object are in `into`; 0 when it is shorter than it was, or unreadable.
std::size_t read_object(SendingObject const& object, std::span<std::byte> into) {
  std::size_t const wanted = std::min<std::uint64_t>(object.left, into.size());
  for (;;) {
    ssize_t const got = ::pread(object.descriptor, into.data(), wanted, object.offset);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

}  // namespace

ClientSocket::Step ClientSocket::shake_hands() {
  auto const step = session_->handshake();
  if (waits(step) && session_->received_bytes() > handshake_bytes_max) return {StepState::failed};
  return step;
}

ClientSocket::Step ClientSocket::receive(std::span<std::byte> into) {
  std::size_t total = 0;
  do {
    auto const step = session_->read(into.subspan(total));
    if (step.state != StepState::done && total == 0) return step;
    if (step.state != StepState::done) break;
    total += step.bytes;
  } while (total < into.size() && session_->has_pending());
  return {StepState::done, total};
}

bool ClientSocket::is_readable() {
  return !waits(session_->look());
}

Sent ClientSocket::send(std::string_view& head, std::string_view& body) {
  if (session_) return send_secure(head, body);
  auto const piece = [](std::string_view bytes) {
    return iovec{const_cast<char*>(bytes.data()), std::min(bytes.size(), write_piece_bytes)};
  };
  // Of a head that is sent in pieces, the body must not follow the first.
  bool const whole_head = head.size() <= write_piece_bytes;
  std::array<iovec, 2> pieces{piece(head), piece(whole_head ? body : std::string_view{})};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t const count = ::sendmsg(tcp_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0) return failure_or_full();
  body.remove_prefix(take_off(head, static_cast<std::size_t>(count)));
  return head.empty() && body.empty() ? Sent::all : Sent::some;
}

// Head and body go in one record, if they fit.
Sent ClientSocket::send_secure(std::string_view& head, std::string_view& body) {
  std::string_view first = head.empty() ? body : head;
  if (first.empty()) return Sent::all;
  if (!head.empty() && !body.empty() && head.size() < record_bytes_max) {
    auto const into = scratch().first(std::min(head.size() + body.size(), record_bytes_max));
    std::memcpy(into.data(), head.data(), head.size());
    std::memcpy(into.data() + head.size(), body.data(), into.size() - head.size());
    first = {reinterpret_cast<char const*>(into.data()), into.size()};
  }
  auto const step = session_->write(std::as_bytes(std::span{first}));
  if (step.state != StepState::done) return sent_of(step.state);
  body.remove_prefix(take_off(head, step.bytes));
  return head.empty() && body.empty() ? Sent::all : Sent::some;
}

// MSG_MORE joins the head and the first bytes in one packet.
Sent ClientSocket::send_object(std::string_view& head, SendingObject& object) {
  if (session_) {
    return session_->sends_files() ? send_object_by_kernel(head, object)
                                   : send_object_secure(head, object);
  }
  if (!head.empty()) {
    ssize_t const count = ::send(tcp_.native_handle(), head.data(), head.size(),
                                 MSG_MORE | MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) return failure_or_full();
    take_off(head, static_cast<std::size_t>(count));
    if (!head.empty()) return Sent::full;
  }
  return send_object_bytes(tcp_.native_handle(), object);
}

Sent ClientSocket::send_object_secure(std::string_view& head, SendingObject& object) {
  std::uint64_t turn = secure_turn_bytes;
  while (turn > 0 && (object.left > 0 || !head.empty())) {
    auto const into = scratch();
    std::size_t const of_head = std::min(head.size(), into.size());
    if (of_head > 0) std::memcpy(into.data(), head.data(), of_head);
    std::size_t const got = read_object(object, into.subspan(of_head));
    if (got == 0 && object.left > 0 && of_head < into.size()) return Sent::failed;
    std::span<std::byte const> piece = into.first(of_head + got);
    while (!piece.empty()) {
      auto const step = session_->write(piece);
      if (step.state != StepState::done) return sent_of(step.state);
      piece = piece.subspan(step.bytes);
      std::size_t const of_object = take_off(head, step.bytes);
      object.offset += static_cast<std::int64_t>(of_object);
      object.left -= of_object;
      turn -= std::min<std::uint64_t>(turn, step.bytes);
    }
  }
  return object.left == 0 && head.empty() ? Sent::all : Sent::some;
}

Sent ClientSocket::send_object_by_kernel(std::string_view& head, SendingObject& object) {
  std::uint64_t turn = secure_turn_bytes;
  while (turn > 0 && (object.left > 0 || !head.empty())) {
    auto const step = head.empty() ? session_->send_file(object.descriptor, object.offset,
                                                         std::min<std::uint64_t>(object.left, turn))
                                   : session_->write(std::as_bytes(std::span{head}));
    if (step.state != StepState::done) return sent_of(step.state);
    std::size_t const of_object = take_off(head, step.bytes);
    object.offset += static_cast<std::int64_t>(of_object);
    object.left -= of_object;
    turn -= std::min<std::uint64_t>(turn, step.bytes);
  }
  return object.left == 0 && head.empty() ? Sent::all : Sent::some;
}

void ClientSocket::end_sending(asio::error_code& error) {
  if (session_ && tcp_.is_open()) session_->end();
  tcp_.shutdown(Tcp::shutdown_send, error);
}

void ClientSocket::close() {
  if (session_ && tcp_.is_open()) session_->end();
  asio::error_code ignored;
  tcp_.close(ignored);
}

}  // namespace chisme::node
