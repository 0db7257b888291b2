#include "tests/node/cli/tiny_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace chisme::node::cli {
namespace {

int listen_anywhere(int& port) {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return listener;
}

// One request by its Content-Length; what came when the client ended early.
std::string read_request(int socket, TinyServer::Reads reads) {
  std::string request;
  std::size_t wanted = std::string::npos;
  std::array<char, 65536> block{};
  while (request.size() < wanted) {
    ssize_t const got = ::recv(socket, block.data(), block.size(), 0);
    if (got <= 0) return request;
    request.append(block.data(), static_cast<std::size_t>(got));
    std::size_t const end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    if (reads == TinyServer::Reads::head_only) return request;
    std::size_t const length = request.find("Content-Length: ");
    wanted = end + 4 + (length < end ? std::stoul(request.substr(length + 16)) : 0);
  }
  return request;
}

// Replaces "{accept}" by what a WebSocket handshake must be answered with (RFC 6455, 4.2.2).
std::string with_accept(std::string text, std::string const& request) {
  std::size_t const place = text.find("{accept}");
  if (place == std::string::npos) return text;
  std::size_t const begin = request.find("Sec-WebSocket-Key: ") + 19;
  std::string const joined = request.substr(begin, request.find("\r\n", begin) - begin) +
                             "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  std::array<unsigned char, 32> encoded{};
  EVP_Digest(joined.data(), joined.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  int const size = EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
  return text.replace(place, 8, reinterpret_cast<char*>(encoded.data()),
                      static_cast<std::size_t>(size));
}

}  // namespace

TinyServer::TinyServer(std::vector<Answers> connections, Reads reads)
    : listener_(listen_anywhere(port_)), reads_(reads) {
  ::listen(listener_, 8);
  thread_ = std::thread([this, connections = std::move(connections)] { serve(connections); });
}

TinyServer::~TinyServer() {
  ::shutdown(listener_, SHUT_RDWR);  // ends a waiting accept
  if (thread_.joinable()) thread_.join();
  ::close(listener_);
}

Origin TinyServer::origin() const {
  return {"127.0.0.1", std::to_string(port_)};
}

std::vector<std::string> const& TinyServer::requests() {
  if (thread_.joinable()) thread_.join();
  return requests_;
}

void TinyServer::serve(std::vector<Answers> connections) {
  std::array<char, 65536> drain{};
  for (Answers const& answers : connections) {
    int const socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    for (std::string const& unfinished : answers) {
      std::string const request = read_request(socket, reads_);
      if (request.empty()) break;
      requests_.push_back(request);
      std::string const text = with_accept(unfinished, request);
      ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    }
    // Let the client read the answer although it is still sending: no reset before it has.
    if (reads_ == Reads::head_only) {
      ::shutdown(socket, SHUT_WR);
      while (::recv(socket, drain.data(), drain.size(), 0) > 0) {
      }
    }
    ::close(socket);
  }
}

Origin TinyServer::nobody() {
  int port = 0;
  int const listener = listen_anywhere(port);  // bound for a moment, never listening
  ::close(listener);
  return {"127.0.0.1", std::to_string(port)};
}

std::string answer(int status, std::string const& body, std::string const& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Reason\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more_headers +
         "\r\n" + body;
}

}  // namespace chisme::node::cli
