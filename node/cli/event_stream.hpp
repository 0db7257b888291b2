#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/cli/connection.hpp"

namespace chisme::node::cli {

// EventStream reads the text messages of a node's WebSocket (RFC 6455), as a client. It pings a
// silent node, and gives up when that brings no answer either.
//
// Blocking; one thread owns it. Errors: unavailable, with a sentence that names the node.
class EventStream {
 public:
  static constexpr std::size_t message_bytes_max = std::size_t{16} << 20;
  static constexpr std::chrono::seconds silence_max{15};  // before the ping, and again after it

  // `token` is shown to the node; empty: none.
  [[nodiscard]] static Result<EventStream> open(Origin const& origin, std::string const& target,
                                                std::string const& token = {});
  // The next text message; nullopt once the node has closed.
  [[nodiscard]] Result<std::optional<std::string>> next();

 private:
  struct Frame {
    bool last = true;
    unsigned opcode = 0;
    std::string payload;
  };
  explicit EventStream(Connection connection) : connection_(std::move(connection)) {}
  [[nodiscard]] Result<void> shake_hands(std::string const& target, std::string const& token);
  [[nodiscard]] Result<void> fill();
  [[nodiscard]] std::optional<Frame> take_frame();
  [[nodiscard]] Result<void> send(unsigned opcode, std::string const& payload);
  [[nodiscard]] tl::unexpected<Error> broken(std::string const& what) const;

  Connection connection_;
  std::string received_;
  std::string message_;
  bool too_large_ = false;
};

}  // namespace chisme::node::cli
