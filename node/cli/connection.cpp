#include "node/cli/connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "node/security/tls_trust.hpp"

namespace chisme::node::cli {
namespace {

using Patience = Connection::Patience;

tl::unexpected<Error> connection_failure(Origin const& origin, std::string const& what,
                                         int number) {
  std::string message = to_string(origin) + " " + what;
  if (number != 0) message += ": " + std::generic_category().message(number);
  return fail(Fault::unavailable, std::move(message), number);
}

Result<TlsTrust const*> trust_of_this_process() {
  static Result<TlsTrust> const trust = [] {
    char const* const file = std::getenv("CHISME_CA");
    bool const named = file != nullptr && *file != '\0';
    return TlsTrust::make(named ? std::optional<std::filesystem::path>{file} : std::nullopt);
  }();
  if (!trust) return tl::unexpected<Error>(trust.error());
  return &*trust;
}

// Which of `events` happened within `patience`; 0 when none did.
short poll_once(int socket, short events, Patience patience) {
  pollfd watched{socket, events, 0};
  auto const end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto const left = std::chrono::duration_cast<Patience>(end - std::chrono::steady_clock::now());
    int const ready = ::poll(&watched, 1, static_cast<int>(std::max(left, Patience{0}).count()));
    if (ready > 0) return watched.revents;
    if (ready == 0 || errno != EINTR) return 0;
  }
}

// 0, or the error of connecting to this one address.
int connect_to(Descriptor& socket, addrinfo const& address, Patience patience) {
  socket = Descriptor{::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.number() < 0) return errno;
  int const on = 1;
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.number(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (poll_once(socket.number(), POLLOUT, patience) == 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Result<Connection> Connection::open(Origin const& origin, Patience patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int const code = ::getaddrinfo(origin.host.c_str(), origin.port.c_str(), &hints, &found);
  if (code != 0)
    return connection_failure(origin, std::string("is not known: ") + ::gai_strerror(code), 0);
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const addresses(found, ::freeaddrinfo);
  int error = EHOSTUNREACH;
  for (addrinfo const* at = found; at != nullptr; at = at->ai_next) {
    Descriptor socket;
    error = connect_to(socket, *at, patience);
    if (error != 0) continue;
    Connection connection(origin, std::move(socket), patience);
    if (!origin.secure) return connection;
    if (auto secured = connection.secure(); !secured) return tl::unexpected<Error>(secured.error());
    return connection;
  }
  return connection_failure(origin, "cannot be reached", error);
}

Result<void> Connection::secure() {
  auto const trust = trust_of_this_process();
  if (!trust) return tl::unexpected<Error>(trust.error());
  session_ = (*trust)->begin(socket_.number(), origin_.host);
  if (!session_) {
    return fail(Fault::invalid, to_string(origin_) + ": no certificate can be for that name");
  }
  bool agreed = false;
  auto const done = run([&] {
    auto const step = session_->handshake();
    agreed = step.state == TlsSession::Step::State::done;
    return step;
  });
  if (agreed) return {};
  if (session_->is_distrusting()) {
    return fail(Fault::invalid,
                to_string(origin_) +
                    " cannot be trusted, its certificate is unfit: " + session_->failure() +
                    ". If it was signed by an authority of your own, name its certificate with "
                    "--ca FILE, or CHISME_CA");
  }
  if (!done && session_->failure().empty()) return tl::unexpected<Error>(done.error());
  std::string const why = done ? "" : " (" + session_->failure() + ")";
  return connection_failure(
      origin_, "does not encrypt" + why + "; a node without a certificate is asked with http://",
      0);
}

Result<std::size_t> Connection::run(std::function<TlsSession::Step()> const& step) {
  using State = TlsSession::Step::State;
  for (;;) {
    auto const did = step();
    if (did.state == State::done) return did.bytes;
    if (did.state == State::end) return std::size_t{0};
    if (did.state == State::failed) {
      return connection_failure(origin_, "broke the connection off: " + session_->failure(), 0);
    }
    auto const ready = wait_for(did.state == State::wants_read ? POLLIN : POLLOUT);
    if (!ready) return tl::unexpected<Error>(ready.error());
  }
}

Result<std::size_t> Connection::write_some(std::span<std::byte const> bytes) {
  using State = TlsSession::Step::State;
  if (session_) {
    auto const did = session_->write(bytes);
    if (did.state == State::done) return did.bytes;
    if (did.state == State::wants_write || did.state == State::wants_read) return std::size_t{0};
    return connection_failure(origin_, "broke the connection off: " + session_->failure(), 0);
  }
  ssize_t const sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EINTR || errno == EAGAIN) return std::size_t{0};
  return connection_failure(origin_, "broke the connection off", errno);
}

Result<short> Connection::wait_for(short events) {
  short const happened = poll_once(socket_.number(), events, patience_);
  if (happened != 0) return happened;
  return connection_failure(origin_, "does not answer", ETIMEDOUT);
}

Result<std::size_t> Connection::read_some(std::span<std::byte> into) {
  if (session_) {
    return run([&] { return session_->read(into); });
  }
  for (;;) {
    ssize_t const got = ::recv(socket_.number(), into.data(), into.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      if (auto ready = wait_for(POLLIN); !ready) return tl::unexpected<Error>(ready.error());
    } else if (errno != EINTR) {
      return connection_failure(origin_, "broke the connection off", errno);
    }
  }
}

Result<bool> Connection::write_unless_answered(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const ready = wait_for(POLLIN | POLLOUT);
    if (!ready) return tl::unexpected<Error>(ready.error());
    // What came may be TLS's own: tickets.
    bool const came = (*ready & POLLIN) != 0;
    if (came && (!session_ || session_->look().state != TlsSession::Step::State::wants_read)) {
      return false;
    }
    auto const sent = write_some(bytes);
    if (!sent) return tl::unexpected<Error>(sent.error());
    bytes = bytes.subspan(*sent);
  }
  return true;
}

Result<void> Connection::write_all(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const sent = write_some(bytes);
    if (!sent) return tl::unexpected<Error>(sent.error());
    bytes = bytes.subspan(*sent);
    if (*sent > 0) continue;
    if (auto ready = wait_for(POLLOUT); !ready) return tl::unexpected<Error>(ready.error());
  }
  return {};
}

}  // namespace chisme::node::cli
