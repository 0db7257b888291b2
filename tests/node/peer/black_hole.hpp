#pragma once

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "node/peer/address.hpp"

// Peers whom no long packets reach, as where a tunnel takes less than it says and nobody tells.
namespace chisme::node::test {

constexpr std::uint32_t long_packet_bytes = 1000;

// The sockets that this one accepts drop packets of more than 1000 bytes before they see them.
inline bool swallow_long_packets(int listener) {
  std::array program{
      sock_filter{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
      sock_filter{BPF_JMP | BPF_JGT | BPF_K, 0, 1, long_packet_bytes},
      sock_filter{BPF_RET | BPF_K, 0, 0, 0},
      sock_filter{BPF_RET | BPF_K, 0, 0, ~std::uint32_t{0}},
  };
  sock_fprog const filter{program.size(), program.data()};
  return ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

// The descriptor of this process that accepts connections to `local`; -1 when there is none.
inline int listener_at(Endpoint const& local) {
  constexpr int descriptors_max = 1024;
  auto const wanted = to_tcp(local);
  for (int descriptor = 0; descriptor < descriptors_max; ++descriptor) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) continue;
    asio::ip::tcp::endpoint found;
    size = static_cast<socklen_t>(found.capacity());
    if (listens == 0 || ::getsockname(descriptor, found.data(), &size) != 0) continue;
    found.resize(size);
    if (found == wanted) return descriptor;
  }
  return -1;
}

}  // namespace chisme::node::test
