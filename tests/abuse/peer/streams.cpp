#include "tests/abuse/peer/streams.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "cluster/base/check.hpp"

namespace chisme::abuse {
namespace {

using State = node::TlsSession::Step::State;
constexpr int patience_ms = 5000;

bool waits(int socket, State state, int limit_ms) {
  pollfd ready{socket, static_cast<short>(state == State::wants_write ? POLLOUT : POLLIN), 0};
  return ::poll(&ready, 1, limit_ms) == 1;
}

}  // namespace

Stream::Stream(node::KeyRing const& ring, Endpoint to)
    : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  keys_.replace(ring);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  std::memcpy(&address.sin_addr.s_addr, to.address.data() + 12, 4);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
  session_ = keys_.begin_session(node::PeerKeys::Side::connecting, socket_);
  while (true) {
    auto const step = session_->handshake();
    secured_ = step.state == State::done;
    bool const goes_on = step.state == State::wants_read || step.state == State::wants_write;
    if (!goes_on || !waits(socket_, step.state, patience_ms)) return;
  }
}

Stream::~Stream() {
  session_.reset();
  ::close(socket_);
}

bool Stream::write(std::string_view bytes) {
  while (secured_ && !ended_ && !bytes.empty()) {
    auto const step = session_->write(std::as_bytes(std::span{bytes.data(), bytes.size()}));
    if (step.state == State::done) {
      bytes.remove_prefix(step.bytes);
      continue;
    }
    bool const goes_on = step.state == State::wants_read || step.state == State::wants_write;
    ended_ = !goes_on || !waits(socket_, step.state, patience_ms);
  }
  return bytes.empty();
}

std::string Stream::read_all(int silence_ms) {
  std::string all;
  std::array<std::byte, 4096> buffer;
  while (secured_ && !ended_) {
    auto const step = session_->read(buffer);
    if (step.state == State::done) {
      all.append(reinterpret_cast<char const*>(buffer.data()), step.bytes);
      continue;
    }
    bool const goes_on = step.state == State::wants_read || step.state == State::wants_write;
    if (goes_on && !waits(socket_, step.state, silence_ms)) return all;
    ended_ = !goes_on;
  }
  return all;
}

bool Stream::ends_within(int milliseconds) {
  static_cast<void>(read_all(milliseconds));
  return ended_;
}

std::string hello_text(node::StreamKind kind, NodeId sender) {
  auto const bytes = node::encode(node::Hello{kind, sender});
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

std::string frame_text(std::string_view content, std::uint32_t length) {
  auto const head = node::encode_frame_head(length);
  return std::string{reinterpret_cast<char const*>(head.data()), head.size()} +
         std::string{content};
}

}  // namespace chisme::abuse
