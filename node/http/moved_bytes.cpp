#include "node/http/moved_bytes.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace chisme::node {

std::optional<std::uint64_t> moved_bytes(int socket, Moving way) {
  if (way == Moving::nowhere) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  constexpr std::size_t needed = offsetof(tcp_info, tcpi_bytes_received) + sizeof(std::uint64_t);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < needed) {
    return std::nullopt;
  }
  return way == Moving::in ? info.tcpi_bytes_received : info.tcpi_bytes_acked;
}

}  // namespace chisme::node
