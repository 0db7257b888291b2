#include "node/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "node/clock.hpp"
#include "node/log.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

constexpr Duration look_period = std::chrono::milliseconds{20};

// `@name` is an address without a file (unix(7)). False: see errno.
bool send_datagram(std::string_view address, std::string_view bytes) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  errno = ENAMETOOLONG;
  if (address.size() >= sizeof to.sun_path) return false;
  std::ranges::copy(address, to.sun_path);
  if (address.front() == '@') to.sun_path[0] = '\0';
  auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  Descriptor const socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.number() < 0) return false;
  return ::sendto(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL,
                  reinterpret_cast<sockaddr const*>(&to), size) >= 0;
}

}  // namespace

ServiceManager::ServiceManager(asio::io_context& loop) : timer_(loop) {
  char const* const address = std::getenv("NOTIFY_SOCKET");
  if (address != nullptr) address_ = address;
}

void ServiceManager::ready_once(std::function<bool()> is_ready) {
  if (address_.empty()) return;
  is_ready_ = std::move(is_ready);
  look(steady_now() + patience);
}

void ServiceManager::stopping() {
  timer_.cancel();
  tell("STOPPING=1\nSTATUS=finishing what is under way");
}

void ServiceManager::look(Instant until) {
  if (is_ready_()) return tell("READY=1\nSTATUS=ready");
  if (steady_now() >= until) {
    return tell("READY=1\nSTATUS=out of touch with most of its cluster when it started");
  }
  timer_.expires_after(look_period);
  timer_.async_wait([this, until](asio::error_code const& error) {
    if (!error) look(until);
  });
}

void ServiceManager::tell(std::string_view news) {
  if (address_.empty() || send_datagram(address_, news)) return;
  log::warning("the service manager at " + address_ +
               " cannot be told how far this node is: " + std::strerror(errno));
}

}  // namespace chisme::node
