#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "node/peer/transfer_server.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/stores.hpp"

// What a node that asks for objects, or brings one, may say to the one that answers, over a socket,
// with objects on a disk: any bytes, and requests for parts of objects that are there.
//
// A byte (bit 0: a push; bit 1: a push in which all but the bytes is right), then the bytes of a
// push, or orders: 0, length, so many raw bytes; else a request for the object of that number, from
// an offset of eight bytes on, of a length of eight.
using namespace chisme;
using namespace chisme::node;

namespace {

constexpr std::size_t large_bytes = (1u << 20) + 10;
constexpr std::size_t answered_max = 16u << 20;

template <std::size_t size>
void append(std::string& to, std::array<std::byte, size> const& bytes) {
  to.append(reinterpret_cast<char const*>(bytes.data()), size);
}

std::string pulls(fuzz::Input& input, Digest const& small, Digest const& large) {
  std::string bytes;
  for (unsigned orders = 0; !input.empty() && orders < 8; ++orders) {
    std::uint8_t const which = input.byte();
    if (which == 0) {
      bytes += input.take(input.byte());
      continue;
    }
    ByteOffset const offset{input.number(8)};
    ByteCount const length{input.number(8)};
    append(bytes, encode(PullRequest{which == 1   ? small
                                     : which == 2 ? large
                                                  : Digest{},
                                     offset, length}));
  }
  return bytes;
}

// The end names other bytes than those that came.
std::string push_of_other_bytes(std::string_view content) {
  std::string bytes;
  append(bytes, encode(PushBegin{ByteCount{content.size()}}));
  append(bytes, encode_chunk_head(static_cast<std::uint32_t>(content.size())));
  if (!content.empty()) {
    bytes += content;
    append(bytes, encode_chunk_head(0));
  }
  append(bytes, encode(PushEnd{Digest{{1}}, ByteCount{content.size()}}));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static fuzz::Stores stores;
  static Digest const small = stores.keep("hello, world");
  static Digest const large = stores.keep(std::string(large_bytes, 'x'));
  static std::size_t stored = 0;
  static TransferServer server{
      stores.loop(), TransferServer::Host{stores.objects(), stores.disk(),
                                          [](StoredObject object, std::function<void()> known) {
                                            ++stored;
                                            if (object.digest != small && object.digest != large) {
                                              stores.forget(object.digest);
                                            }
                                            known();
                                          },
                                          [](Digest) { CHECK(false); }, [](ByteCount) {}}};
  fuzz::Input input{data, size};
  std::uint8_t const choice = input.byte();
  bool const push = (choice & 1) != 0;
  std::string bytes{input.rest()};
  if (!push) bytes = pulls(input, small, large);
  if (push && (choice & 2) != 0) bytes = push_of_other_bytes(input.rest());
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  CHECK(::send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL) == std::ssize(bytes));
  ::shutdown(ends[1], SHUT_WR);
  std::size_t const stored_before = stored;
  std::size_t answered = 0;
  server.adopt({ends[0], asio::ip::tcp::v4(), push ? StreamKind::push : StreamKind::pull, nullptr});
  stores.run_until([&] {
    static char buffer[64 << 10];
    ssize_t got = 0;
    while ((got = ::recv(ends[1], buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      answered += static_cast<std::size_t>(got);
    }
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  });
  ::close(ends[1]);
  CHECK(answered <= answered_max);
  if (push && (choice & 2) != 0) CHECK(stored == stored_before);
  return 0;
}
