#include "node/security/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>
#include <utility>

#include "cluster/base/check.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t read_buffer_bytes = 64u << 10;
// TLS_AES_128_GCM_SHA256: a pre-shared key belongs to a hash, and SHA-256 is ours.
constexpr char suite_name[] = "TLS_AES_128_GCM_SHA256";
constexpr std::array<unsigned char, 2> suite_number{0x13, 0x01};

std::string last_failure(SSL const* ssl) {
  long const verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  unsigned long const code = ERR_peek_last_error();
  if (code == 0) return "the connection broke";
  char const* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "it failed";
}

// What OpenSSL takes a pre-shared key as. nullptr when it has no memory.
SSL_SESSION* session_of(SSL* ssl, KeyRing::Entry const& key) {
  SSL_SESSION* const session = SSL_SESSION_new();
  if (session == nullptr) return nullptr;
  SSL_CIPHER const* const suite = SSL_CIPHER_find(ssl, suite_number.data());
  bool const made =
      suite != nullptr && SSL_SESSION_set_cipher(session, suite) == 1 &&
      SSL_SESSION_set1_master_key(session, key.stream_key.data(), key.stream_key.size()) == 1 &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
  if (made) return session;
  SSL_SESSION_free(session);
  return nullptr;
}

}  // namespace

// ---- A session ---------------------------------------------------------------------------------

void TlsSession::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

TlsSession::TlsSession(ssl_ctx_st& context, int descriptor, Role role, Proof proof)
    : ssl_{SSL_new(&context)}, proof_{proof} {
  CHECK(ssl_ && SSL_set_fd(ssl_.get(), descriptor) == 1);
  role == Role::client ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
}

TlsSession::~TlsSession() = default;

TlsSession::Step TlsSession::step(int result, std::size_t bytes) {
  if (result > 0) return {Step::State::done, bytes};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Step::State::wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {Step::State::wants_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Step::State::end};
    default:
      failure_ = last_failure(ssl_.get());
      return {Step::State::failed};
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  Step const did = step(SSL_do_handshake(ssl_.get()), 0);
  // Without the key the other side could only be one that shows a certificate, which nobody checks.
  if (did.state != Step::State::done || proof_ == Proof::of_context) return did;
  if (SSL_session_reused(ssl_.get()) == 1) return did;
  failure_ = "it does not know the secret";
  return {Step::State::failed};
}

TlsSession::Step TlsSession::read(std::span<std::byte> into) {
  ERR_clear_error();
  std::size_t count = 0;
  int const result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  return step(result, count);
}

TlsSession::Step TlsSession::write(std::span<std::byte const> bytes) {
  ERR_clear_error();
  std::size_t count = 0;
  int const result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  return step(result, count);
}

TlsSession::Step TlsSession::look() {
  ERR_clear_error();
  std::byte one{};
  std::size_t count = 0;
  int const result = SSL_peek_ex(ssl_.get(), &one, 1, &count);
  return step(result, count);
}

bool TlsSession::has_pending() const {
  return SSL_has_pending(ssl_.get()) == 1;
}

std::uint64_t TlsSession::received_bytes() const {
  return BIO_number_read(SSL_get_rbio(ssl_.get()));
}

bool TlsSession::sends_files() const {
  return BIO_get_ktls_send(SSL_get_wbio(ssl_.get())) == 1;
}

TlsSession::Step TlsSession::send_file(int descriptor, std::int64_t offset, std::size_t count) {
  ERR_clear_error();
  ossl_ssize_t const sent = SSL_sendfile(ssl_.get(), descriptor, offset, count, 0);
  return step(sent > 0 ? 1 : static_cast<int>(sent), sent > 0 ? static_cast<std::size_t>(sent) : 0);
}

bool TlsSession::is_distrusting() const {
  return SSL_get_verify_result(ssl_.get()) != X509_V_OK;
}

std::optional<std::chrono::seconds> TlsSession::certificate_left() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  int days = 0;
  int seconds = 0;
  bool const shown = certificate != nullptr &&
                     ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) == 1;
  if (!shown) return std::nullopt;
  return std::chrono::hours{24} * days + std::chrono::seconds{seconds};
}

bool TlsSession::expect_host(std::string const& host) {
  SSL* const ssl = ssl_.get();
  // Addresses are not told (RFC 6066, 3).
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return true;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

void TlsSession::end() {
  // After a failure OpenSSL wants no more calls.
  if (!failure_.empty()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

// ---- Sessions between nodes --------------------------------------------------------------------

struct PskContext::Callbacks {
  static std::shared_ptr<KeyRing const> ring_of(SSL* ssl) {
    auto const* const self =
        static_cast<PskContext const*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    return self->ring_();
  }

  // The connecting side's key. OpenSSL copies the identity before this thread does anything else.
  static int use(SSL* ssl, EVP_MD const* hash, unsigned char const** identity, std::size_t* length,
                 SSL_SESSION** session) {
    thread_local std::string said;
    *session = nullptr;
    auto const ring = ring_of(ssl);
    if (!ring || (hash != nullptr && !EVP_MD_is_a(hash, "SHA256"))) return ring ? 1 : 0;
    said = ring->primary().stream_identity;
    *identity = reinterpret_cast<unsigned char const*>(said.data());
    *length = said.size();
    *session = session_of(ssl, ring->primary());
    return *session != nullptr ? 1 : 0;
  }

  // The accepting side's. Without one the handshake fails for want of a certificate.
  static int find(SSL* ssl, unsigned char const* identity, std::size_t length,
                  SSL_SESSION** session) {
    *session = nullptr;
    auto const ring = ring_of(ssl);
    if (!ring) return 0;
    auto const* const key = ring->find_stream({reinterpret_cast<char const*>(identity), length});
    if (key == nullptr) return 1;
    *session = session_of(ssl, *key);
    return *session != nullptr ? 1 : 0;
  }
};

void PskContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

PskContext::PskContext(Role role, std::function<std::shared_ptr<KeyRing const>()> ring)
    : ring_{std::move(ring)},
      context_{SSL_CTX_new(role == Role::client ? TLS_client_method() : TLS_server_method())},
      role_{role} {
  SSL_CTX* const context = context_.get();
  CHECK(context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  CHECK(SSL_CTX_set_ciphersuites(context, suite_name) == 1);
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);  // our framing has its own ends
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_buffer_bytes);
  if (role == Role::client) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);  // no certificate can pass
    SSL_CTX_set_psk_use_session_callback(context, Callbacks::use);
  } else {
    SSL_CTX_set_num_tickets(context, 0);  // whatever came unasked would look like the other's end
    SSL_CTX_set_psk_find_session_callback(context, Callbacks::find);
  }
}

PskContext::~PskContext() = default;

std::shared_ptr<TlsSession> PskContext::begin(int descriptor) const {
  return std::make_shared<TlsSession>(*context_, descriptor, role_, TlsSession::Proof::shared_key);
}

}  // namespace chisme::node
