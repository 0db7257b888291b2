#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "cluster/base/result.hpp"
#include "node/cli/origin.hpp"
#include "node/security/tls_session.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// Connection is a blocking TCP connection of a command to a node, with TLS for https://. Every call
// gives up after `patience` without a byte moving. One thread owns it.
//
// Whose certificates it takes for true: those that the file CHISME_CA names have signed, or,
// without it, those that the system trusts.
//
// Errors are `unavailable` with a sentence that names the node; invalid when CHISME_CA is unfit, or
// the node is not who it should be.
class Connection {
 public:
  using Patience = std::chrono::milliseconds;
  [[nodiscard]] static Result<Connection> open(Origin const& origin, Patience patience);

  // At least one byte; 0 at the end of the stream.
  [[nodiscard]] Result<std::size_t> read_some(std::span<std::byte> into);
  // Writes all of it, or stops early because the other side has something to say: true when all.
  [[nodiscard]] Result<bool> write_unless_answered(std::span<std::byte const> bytes);
  [[nodiscard]] Result<void> write_all(std::span<std::byte const> bytes);
  [[nodiscard]] Origin const& origin() const { return origin_; }
  // How long the node's certificate is still valid; nullopt without TLS.
  [[nodiscard]] std::optional<std::chrono::seconds> certificate_left() const {
    return session_ ? session_->certificate_left() : std::nullopt;
  }
  // How long each call waits from now on.
  void set_patience(Patience patience) { patience_ = patience; }

 private:
  Connection(Origin origin, Descriptor socket, Patience patience)
      : origin_(std::move(origin)), socket_(std::move(socket)), patience_(patience) {}
  [[nodiscard]] Result<short> wait_for(short events);
  [[nodiscard]] Result<void> secure();
  // Takes the step until it is done: the bytes; 0 at the end.
  [[nodiscard]] Result<std::size_t> run(std::function<TlsSession::Step()> const& step);
  // What is taken at once, maybe nothing.
  [[nodiscard]] Result<std::size_t> write_some(std::span<std::byte const> bytes);

  Origin origin_;
  Descriptor socket_;
  std::unique_ptr<TlsSession> session_{};  // nullptr: plain
  Patience patience_;
};

}  // namespace chisme::node::cli
