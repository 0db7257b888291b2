#pragma once

#include <string>
#include <thread>
#include <vector>

#include "node/cli/origin.hpp"

namespace chisme::node::cli {

// A server on a real socket that answers as it is told to: connection after connection, each with a
// list of answers; before each it reads one request to its end. Then the connection is closed.
class TinyServer {
 public:
  using Answers = std::vector<std::string>;
  enum class Reads { whole_requests, head_only };
  explicit TinyServer(std::vector<Answers> connections, Reads reads = Reads::whole_requests);
  ~TinyServer();
  TinyServer(TinyServer const&) = delete;
  TinyServer& operator=(TinyServer const&) = delete;

  [[nodiscard]] Origin origin() const;
  // What was asked, after the last connection was served: heads and bodies.
  [[nodiscard]] std::vector<std::string> const& requests();
  // An origin where nobody listens.
  [[nodiscard]] static Origin nobody();

 private:
  void serve(std::vector<Answers> connections);
  int port_ = 0;
  int listener_;
  Reads reads_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 …" with a length.
[[nodiscard]] std::string answer(int status, std::string const& body,
                                 std::string const& more_headers = {});

}  // namespace chisme::node::cli
