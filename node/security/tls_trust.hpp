#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cluster/base/result.hpp"
#include "node/security/tls_session.hpp"

namespace chisme::node {

// TlsTrust makes the sessions of somebody who connects to a node: TLS 1.2 or 1.3 with a server
// whose certificate is for the host that was asked for, and signed by who is trusted. That is who
// the system trusts, or those of one file instead.
//
// Any thread, once made.
class TlsTrust {
 public:
  // `authorities`: a file of certificates in PEM. Fault: invalid, with a sentence.
  [[nodiscard]] static Result<TlsTrust> make(
      std::optional<std::filesystem::path> const& authorities);

  // nullptr: no certificate can be for that host.
  [[nodiscard]] std::unique_ptr<TlsSession> begin(int descriptor, std::string const& host) const;

 private:
  explicit TlsTrust(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}

  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace chisme::node
