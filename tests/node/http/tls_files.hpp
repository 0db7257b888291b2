#pragma once

#include <csignal>
#include <memory>
#include <string>

#include "cluster/base/check.hpp"
#include "node/security/certificates.hpp"
#include "node/security/server_tls.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {

// An authority and a certificate of it for this machine, made once for all tests of a process.
class TlsFiles {
 public:
  static TlsFiles const& of_tests() {
    static TlsFiles const files;
    return files;
  }
  [[nodiscard]] std::string authority() const { return directory_.path() / "ca.pem"; }
  [[nodiscard]] std::filesystem::path directory() const { return directory_.path(); }
  [[nodiscard]] ServerTls::Files node() const {
    return {directory_.path() / "node.pem", directory_.path() / "node.key"};
  }
  [[nodiscard]] std::shared_ptr<ServerTls const> server() const { return server_; }

 private:
  TlsFiles() {
    std::signal(SIGPIPE, SIG_IGN);
    CHECK(make_authority(directory_.path()).has_value());
    CHECK(issue_certificate(directory_.path(),
                            {{"127.0.0.1", "localhost"}, directory_.path() / "node", usual_days})
              .has_value());
    auto const server = std::make_shared<ServerTls>(node());
    CHECK(server->load().has_value());
    server_ = server;
  }
  test::Directory directory_;
  std::shared_ptr<ServerTls const> server_;
};

}  // namespace chisme::node
