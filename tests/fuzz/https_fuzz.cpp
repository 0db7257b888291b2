#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/security/peer_keys.hpp"
#include "tests/fuzz/input.hpp"

// The beginning of a stream between nodes, from somebody who does not know the secret: whatever he
// sends, and however it is cut, the handshake never ends well, and he is told next to nothing.
using namespace chisme;
using namespace chisme::node;

namespace {

using State = TlsSession::Step::State;
constexpr std::size_t answered_max = 4096;

struct Pair {
  Pair() { CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0); }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  Pair(Pair const&) = delete;
  Pair& operator=(Pair const&) = delete;
  int ends[2]{};
};

PeerKeys const& keys() {
  static PeerKeys const* const made = [] {
    auto* const all = new PeerKeys;
    std::vector<Secret> const secrets{Secret{{1}}, Secret{{2}}};
    all->replace(KeyRing{secrets});
    return all;
  }();
  return *made;
}

void meet(PeerKeys::Side side, fuzz::Input input) {
  Pair pair;
  auto const session = keys().begin_session(side, pair.ends[0]);
  std::size_t answered = 0;
  std::array<char, answered_max> answer;
  while (true) {
    auto const step = session->handshake();
    CHECK(step.state != State::done);
    ssize_t const got = ::recv(pair.ends[1], answer.data(), answer.size(), 0);
    if (got > 0) answered += static_cast<std::size_t>(got);
    CHECK(answered <= answered_max);
    if (step.state == State::failed) CHECK(!session->failure().empty());
    if (step.state != State::wants_read || input.empty()) return;
    auto const part = input.take(input.byte() + 1u);
    CHECK(::send(pair.ends[1], part.data(), part.size(), MSG_NOSIGNAL) == std::ssize(part));
    if (input.empty()) ::shutdown(pair.ends[1], SHUT_WR);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  bool const accepting = (input.byte() & 1) == 0;
  meet(accepting ? PeerKeys::Side::accepting : PeerKeys::Side::connecting, input);
  static_cast<void>(keys().ring()->find_stream(input.rest()));
  return 0;
}
