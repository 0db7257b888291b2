#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/cli/cli.hpp"
#include "node/cli/download.hpp"
#include "node/cli/event_stream.hpp"
#include "node/cli/event_text.hpp"
#include "tests/fuzz/input.hpp"

// What something that is no node, or a broken one, may answer to the commands of the terminal:
// whatever it is, a command ends with a result or a sentence.
//
// A byte chooses the command, then comes the answer: after "~" at the beginning a JSON document,
// else all of the bytes. To a WebSocket the handshake's answer goes before.
using namespace chisme;
using namespace chisme::node;

namespace {

std::string accept_of(std::string_view request) {
  std::size_t const at = request.find("Sec-WebSocket-Key: ");
  if (at == std::string_view::npos) return {};
  std::string const joined =
      std::string{request.substr(at + 19, 24)} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  EVP_Digest(joined.data(), joined.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  std::array<unsigned char, 32> text{};
  EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         std::string(reinterpret_cast<char const*>(text.data())) + "\r\n\r\n";
}

// A server with a thread of its own, for the life of the program.
class Liar {
 public:
  Liar() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    CHECK(::bind(listener_, name, size) == 0 && ::listen(listener_, 64) == 0);
    CHECK(::getsockname(listener_, name, &size) == 0);
    port_ = ntohs(address.sin_port);
    std::thread{[this] { serve(); }}.detach();
  }
  void say(std::string bytes) {
    std::lock_guard const lock{mutex_};
    bytes_ = std::move(bytes);
  }
  [[nodiscard]] cli::Origin origin() const { return {"127.0.0.1", std::to_string(port_)}; }

 private:
  void serve() {
    while (true) {
      int const client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      answer(client);
      linger const at_once{1, 0};
      ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(client);
    }
  }
  void answer(int client) {
    std::string request;
    std::array<char, 4096> buffer;
    while (request.find("\r\n\r\n") == std::string::npos) {
      ssize_t const got = ::recv(client, buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      request.append(buffer.data(), static_cast<std::size_t>(got));
    }
    std::string said = accept_of(request);
    {
      std::lock_guard const lock{mutex_};
      said += bytes_;
    }
    ::send(client, said.data(), said.size(), MSG_NOSIGNAL);
    ::shutdown(client, SHUT_WR);
    while (::recv(client, buffer.data(), buffer.size(), 0) > 0) {
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string bytes_;
};

// Nobody is called but the liar.
bool names_another_place(std::string_view bytes) {
  std::string lower{bytes};
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("location") != std::string::npos;
}

void run_command(std::vector<char const*> words, cli::Origin const& origin) {
  static std::string const url = to_string(origin);
  words.insert(words.begin(), "chisme");
  words.insert(words.end(), {"--node", url.c_str()});
  int const code = cli::run(static_cast<int>(words.size()), words.data());
  CHECK(code == 0 || code == 1);
}

void listen_to(cli::Origin const& origin) {
  auto stream = cli::EventStream::open(origin, "/ws/cluster");
  if (!stream) return;
  while (true) {
    auto const message = stream->next();
    if (!message || !*message) return;
    CHECK((*message)->size() <= cli::EventStream::message_bytes_max);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static Liar liar;
  fuzz::Input input{data, size};
  std::uint8_t const choice = input.byte() % 7;
  std::string said{input.rest()};
  if (names_another_place(said)) return 0;
  if (said.starts_with("~")) {
    said = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(said.size() - 1) + "\r\n\r\n" +
           said.substr(1);
  }
  liar.say(said);
  switch (choice) {
    case 0:
      run_command({"status"}, liar.origin());
      break;
    case 1:
      run_command({"ls"}, liar.origin());
      break;
    case 2:
      run_command({"rm", "a"}, liar.origin());
      break;
    case 3:
      run_command({"status", "--json"}, liar.origin());
      break;
    case 4: {
      std::vector<cli::Origin> const nodes{liar.origin()};
      cli::HttpClient client{nodes, std::chrono::milliseconds{500}};
      static_cast<void>(cli::ask_route(client, "a"));
      break;
    }
    case 5:
      listen_to(liar.origin());
      break;
    default:
      static_cast<void>(cli::event_line(said, false));
  }
  return 0;
}
