#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "node/security/key_ring.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace chisme::node {

// TlsSession is TLS (RFC 8446 and 5246, by OpenSSL) over a connected socket that does not block.
// Each operation does what it can at once and says what it waits for.
//
// One thread at a time. The socket is not the session's: nothing may be called once it was closed.
// SIGPIPE must be ignored in the process.
class TlsSession {
 public:
  struct Step {
    enum class State {
      done,
      wants_read,   // call again, with the same bytes, when the socket can be read
      wants_write,  // … can be written
      end,          // the other side ended
      failed        // nothing more can be done; `failure` says why
    };
    State state = State::failed;
    std::size_t bytes = 0;  // with `done`: that were read or written
  };

  enum class Role { client, server };
  // How the other side proves who it is: by a pre-shared key, without which the handshake fails
  // here, or as the context says (a certificate, or not at all).
  enum class Proof { shared_key, of_context };
  TlsSession(ssl_ctx_st& context, int descriptor, Role role, Proof proof);
  ~TlsSession();
  TlsSession(TlsSession const&) = delete;
  TlsSession& operator=(TlsSession const&) = delete;

  [[nodiscard]] Step handshake();
  // At least one byte. REQUIRES: `into` is not empty.
  [[nodiscard]] Step read(std::span<std::byte> into);
  // At least one byte, perhaps not all. REQUIRES: `bytes` is not empty; after `wants_write` at
  // least as many again.
  [[nodiscard]] Step write(std::span<std::byte const> bytes);
  // Whether `read` has something to give: done, or what it waits for; takes nothing.
  [[nodiscard]] Step look();
  // Whether bytes were taken from the socket that `read` has not given yet.
  [[nodiscard]] bool has_pending() const;
  // Bytes taken from the socket so far, as they were on the wire.
  [[nodiscard]] std::uint64_t received_bytes() const;
  // Whether the kernel encrypts, so that bytes of files need not come here.
  [[nodiscard]] bool sends_files() const;
  // At least one byte of the file. REQUIRES: `sends_files()`.
  [[nodiscard]] Step send_file(int descriptor, std::int64_t offset, std::size_t count);
  // Of a client: the other side's certificate must be for this name or address, which it is told.
  // REQUIRES: before the handshake. False: it is no possible name.
  [[nodiscard]] bool expect_host(std::string const& host);
  // Tells the other side that nothing follows, if that can be done at once.
  void end();
  [[nodiscard]] std::string const& failure() const { return failure_; }
  // How long the other side's certificate is still valid; nullopt: it showed none. REQUIRES: after
  // the handshake.
  [[nodiscard]] std::optional<std::chrono::seconds> certificate_left() const;
  // It failed because the other side's certificate is not to be trusted.
  [[nodiscard]] bool is_distrusting() const;

 private:
  [[nodiscard]] Step step(int result, std::size_t bytes);

  struct Free {
    void operator()(ssl_st* session) const;
  };
  std::unique_ptr<ssl_st, Free> ssl_;
  Proof proof_;
  std::string failure_;
};

// PskContext makes the sessions between nodes: both sides prove that they know one of the cluster's
// secrets, by a pre-shared key with an ephemeral exchange (psk_dhe_ke), so that who learns the
// secret later cannot read what was sent before. There are no certificates.
//
// Any thread, once made.
class PskContext {
 public:
  using Role = TlsSession::Role;
  // `ring` is asked at each handshake, from the thread of the session; it may answer nullptr, and
  // then the handshake fails.
  PskContext(Role role, std::function<std::shared_ptr<KeyRing const>()> ring);
  ~PskContext();
  PskContext(PskContext const&) = delete;
  PskContext& operator=(PskContext const&) = delete;

  [[nodiscard]] std::shared_ptr<TlsSession> begin(int descriptor) const;

 private:
  struct Callbacks;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::function<std::shared_ptr<KeyRing const>()> ring_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  Role role_;
};

}  // namespace chisme::node
