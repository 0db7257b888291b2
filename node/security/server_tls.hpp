#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "cluster/base/result.hpp"
#include "node/security/tls_session.hpp"

namespace chisme::node {

// ServerTls makes the sessions of clients: TLS 1.2 and 1.3 with this node's certificate, forward
// secret and authenticated suites only, HTTP/1.1 by ALPN (RFC 7301), no renegotiation, no
// compression. Clients show no certificate. They may come back by a ticket, until the next `load`.
//
// Any thread.
class ServerTls {
 public:
  struct Files {
    std::filesystem::path certificate;  // PEM: this node's, then those that it was signed by
    std::filesystem::path key;          // PEM, without a passphrase; not for everybody to read
  };
  explicit ServerTls(Files files) : files_(std::move(files)) {}

  // Reads the files; what is open goes on with what it began with. Fault: invalid, with a sentence;
  // what was read before stays.
  [[nodiscard]] Result<void> load();
  // The session of a client that has connected. REQUIRES: `load` succeeded once.
  [[nodiscard]] std::shared_ptr<TlsSession> begin(int descriptor) const;

 private:
  Files files_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace chisme::node
