#include "node/security/tls_trust.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cluster/base/check.hpp"

namespace chisme::node {
namespace {

constexpr unsigned char offered_protocols[] = "\x08http/1.1";

}  // namespace

Result<TlsTrust> TlsTrust::make(std::optional<std::filesystem::path> const& authorities) {
  std::shared_ptr<SSL_CTX> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  CHECK(context && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  ERR_clear_error();
  if (!authorities) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_file(context.get(), authorities->c_str()) != 1) {
    return fail(Fault::invalid, authorities->string() +
                                    " cannot be used: it is no file of certificates in PEM, such "
                                    "as the ca.pem that chisme ca new makes");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  CHECK(SSL_CTX_set_alpn_protos(context.get(), offered_protocols, sizeof offered_protocols - 1) ==
        0);
  return TlsTrust{std::move(context)};
}

std::unique_ptr<TlsSession> TlsTrust::begin(int descriptor, std::string const& host) const {
  auto session = std::make_unique<TlsSession>(*context_, descriptor, TlsSession::Role::client,
                                              TlsSession::Proof::of_context);
  return session->expect_host(host) ? std::move(session) : nullptr;
}

}  // namespace chisme::node
