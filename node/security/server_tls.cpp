#include "node/security/server_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/log.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

// AES first where the client's processor has it, which it says by not asking for ChaCha20 first.
constexpr char suites_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char suites_1_2[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char groups[] = "X25519:P-256:P-384";
constexpr std::size_t client_read_buffer_bytes = 64u << 10;
constexpr unsigned char session_context[] = "chisme";

tl::unexpected<Error> unfit_tls_file(fs::path const& file, std::string const& what) {
  return fail(Fault::invalid, "the TLS file " + file.string() + " cannot be used: " + what);
}

std::string reason_of_failure() {
  unsigned long const code = ERR_peek_last_error();
  char const* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "it cannot be read";
}

// Nobody is there to be asked.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<void> check_file(fs::path const& file, bool secret) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    return unfit_tls_file(file, std::generic_category().message(errno));
  }
  if (!S_ISREG(status.st_mode)) return unfit_tls_file(file, "it is no plain file");
  if (secret && (status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return unfit_tls_file(
        file, "it is a secret that everybody on this machine may read or write. Say: chmod 600 " +
                  file.string());
  }
  return {};
}

// ALPN: HTTP/1.1, or nothing in common (RFC 7301, 3.2).
int choose_protocol(SSL*, unsigned char const** chosen, unsigned char* length,
                    unsigned char const* offered, unsigned int size, void*) {
  std::string_view const wanted = "http/1.1";
  for (unsigned int at = 0; at < size && at + 1u + offered[at] <= size; at += 1u + offered[at]) {
    std::string_view const name{reinterpret_cast<char const*>(offered + at + 1), offered[at]};
    if (name != wanted) continue;
    *chosen = offered + at + 1;
    *length = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void choose_protocols(SSL_CTX* context) {
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  CHECK(SSL_CTX_set_ciphersuites(context, suites_1_3) == 1);
  CHECK(SSL_CTX_set_cipher_list(context, suites_1_2) == 1);
  CHECK(SSL_CTX_set1_groups_list(context, groups) == 1);
  // The end of every message is told by HTTP or WebSocket, so that a connection that breaks off is
  // noticed there.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, client_read_buffer_bytes);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

void warn_of_its_time(SSL_CTX* context, fs::path const& file) {
  X509 const* const certificate = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    log::warning("the certificate in " + file.string() + " has expired: clients will refuse it");
  } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    log::warning("the certificate in " + file.string() + " is not valid yet by this clock");
  }
}

Result<void> load_files(SSL_CTX* context, ServerTls::Files const& files) {
  if (auto fit = check_file(files.certificate, false); !fit) return fit;
  if (auto fit = check_file(files.key, true); !fit) return fit;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return unfit_tls_file(files.certificate,
                          "it is no certificate in PEM (" + reason_of_failure() + ")");
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unfit_tls_file(files.key,
                          "it is no private key in PEM without a passphrase, or not the "
                          "certificate's (" +
                              reason_of_failure() + ")");
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return unfit_tls_file(files.key,
                          "it is not the key of the certificate in " + files.certificate.string());
  }
  warn_of_its_time(context, files.certificate);
  return {};
}

}  // namespace

Result<void> ServerTls::load() {
  std::shared_ptr<SSL_CTX> context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  CHECK(context != nullptr);
  choose_protocols(context.get());
  if (auto loaded = load_files(context.get(), files_); !loaded) return loaded;
  std::lock_guard const lock{mutex_};
  context_ = std::move(context);
  return {};
}

std::shared_ptr<TlsSession> ServerTls::begin(int descriptor) const {
  std::shared_ptr<SSL_CTX> context;
  {
    std::lock_guard const lock{mutex_};
    context = context_;
  }
  CHECK(context != nullptr);
  return std::make_shared<TlsSession>(*context, descriptor, TlsSession::Role::server,
                                      TlsSession::Proof::of_context);
}

}  // namespace chisme::node
