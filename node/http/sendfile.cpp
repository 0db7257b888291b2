#include "node/http/sendfile.hpp"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>

namespace chisme::node {

Sent send_object_bytes(int socket, SendingObject& object) {
  constexpr std::uint64_t turn_bytes = 2 << 20;
  std::uint64_t turn = turn_bytes;
  while (object.left > 0 && turn > 0) {
    auto const count = static_cast<std::size_t>(std::min(object.left, turn));
    off_t offset = object.offset;
    ssize_t const sent = ::sendfile(socket, object.descriptor, &offset, count);
    if (sent > 0) {
      object.offset = offset;
      object.left -= static_cast<std::uint64_t>(sent);
      turn -= static_cast<std::uint64_t>(sent);
    } else if (sent == 0) {
      return Sent::failed;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Sent::full;
    } else if (errno != EINTR) {
      return Sent::failed;
    }
  }
  return object.left == 0 ? Sent::all : Sent::some;
}

}  // namespace chisme::node
