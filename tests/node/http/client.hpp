#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/check.hpp"
#include "cluster/base/identity.hpp"
#include "tests/node/http/tls_files.hpp"

namespace chisme::node {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// How the clients of a test talk, and its servers with them.
enum class Over { plain, tls };
inline Over& over_of_test() {
  static Over over = Over::plain;
  return over;
}

// A blocking HTTP client over one connection, which gives up after 20 s.
class Client {
 public:
  explicit Client(Endpoint server, Over over = over_of_test())
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval const patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    if (over == Over::tls) secured_ = secure();
  }
  ~Client() { close(); }
  Client(Client const&) = delete;
  Client& operator=(Client const&) = delete;

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // Ends the connection by a reset.
  void reset() {
    linger const at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  // Whether the handshake succeeded.
  [[nodiscard]] bool is_secure() const { return secured_; }
  [[nodiscard]] SSL* tls() const { return tls_.get(); }
  [[nodiscard]] int descriptor() const { return socket_; }
  // False when the server takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t const sent = write(bytes, 0);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // As many of `bytes` as the kernel takes without waiting.
  std::size_t send_some(std::string_view bytes) {
    int const flags = ::fcntl(socket_, F_GETFL);
    if (tls_) ::fcntl(socket_, F_SETFL, flags | O_NONBLOCK);
    ssize_t const sent = write(bytes, MSG_DONTWAIT);
    if (tls_) ::fcntl(socket_, F_SETFL, flags);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  // Reads until at least `count` bytes are there; false at the end.
  bool fill(std::size_t count) {
    char buffer[64 << 10];
    while (received.size() < count) {
      ssize_t const got = tls_ ? SSL_read(tls_.get(), buffer, sizeof buffer)
                               : ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      received.append(buffer, static_cast<std::size_t>(got));
    }
    return true;
  }
  // Whether the server has ended the connection, with nothing left to read.
  bool ended() { return received.empty() && !fill(1); }

  // The next answer; nullopt when the connection ends before its end.
  std::optional<Response> response(bool head = false) {
    std::size_t end;
    while ((end = received.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(received.size() + 1)) return std::nullopt;
    }
    Response answer;
    answer.status = std::stoi(received.substr(9, 3));
    take_headers(answer, received.substr(0, end + 2));
    received.erase(0, end + 4);
    bool const bodyless = head || answer.status < 200 || answer.status == 204 ||
                          answer.status == 304 || !answer.headers.contains("content-length");
    if (bodyless) return answer;
    auto const length = std::stoull(answer.headers["content-length"]);
    if (!fill(length)) return std::nullopt;
    answer.body = received.substr(0, length);
    received.erase(0, length);
    return answer;
  }
  std::optional<Response> get(std::string const& target, std::string const& headers = "") {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return response();
  }

  std::string received;

 private:
  bool secure() {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    CHECK(SSL_CTX_load_verify_file(context_.get(), TlsFiles::of_tests().authority().c_str()) == 1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    tls_.reset(SSL_new(context_.get()));
    CHECK(SSL_set1_host(tls_.get(), "localhost") == 1 && SSL_set_fd(tls_.get(), socket_) == 1);
    return SSL_connect(tls_.get()) == 1;
  }
  ssize_t write(std::string_view bytes, int flags) {
    if (!tls_) return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  static void take_headers(Response& answer, std::string const& head) {
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size()) {
      std::size_t const end = head.find("\r\n", at);
      std::size_t const colon = head.find(": ", at);
      auto name = head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      answer.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
  }

  struct Free {
    void operator()(SSL* it) const { SSL_free(it); }
    void operator()(SSL_CTX* it) const { SSL_CTX_free(it); }
  };
  int socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> tls_;
  bool secured_ = false;
};

}  // namespace chisme::node
