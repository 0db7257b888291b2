#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "cluster/base/check.hpp"
#include "node/http/client_socket.hpp"
#include "node/security/certificates.hpp"
#include "node/security/server_tls.hpp"

// Whatever a client sends instead of a handshake: the node waits for more or ends it, and never
// takes it for one, for which it would have to know the keys.

using namespace chisme;
using namespace chisme::node;

namespace {

ServerTls& server() {
  static ServerTls& made = []() -> ServerTls& {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "chisme-fuzz-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    std::filesystem::path const directory = name;
    CHECK(make_authority(directory).has_value());
    CHECK(
        issue_certificate(directory, {{"localhost"}, directory / "node", usual_days}).has_value());
    static ServerTls tls({directory / "node.pem", directory / "node.key"});
    CHECK(tls.load().has_value());
    std::filesystem::remove_all(directory);
    return tls;
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using State = TlsSession::Step::State;
  std::array<int, 2> ends{};
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  auto const session = server().begin(ends[0]);
  // In two halves: a record may end anywhere.
  for (auto const& [from, count] :
       {std::pair{std::size_t{0}, size / 2}, {size / 2, size - size / 2}}) {
    CHECK(::send(ends[1], data + from, count, MSG_NOSIGNAL) == static_cast<ssize_t>(count));
    auto const step = session->handshake();
    CHECK(step.state != State::done);
    if (step.state == State::failed) break;
  }
  session->end();
  ::close(ends[0]);
  ::close(ends[1]);
  return 0;
}
