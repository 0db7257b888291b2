#include "node/security/certificates.hpp"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "cluster/base/check.hpp"
#include "cluster/base/identity.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr long day_seconds = 86'400;
constexpr long authority_days = 3653;
// Clocks that are a little behind take it, too.
constexpr long earlier_seconds = 3600;
constexpr std::size_t hosts_max = 100;
constexpr mode_t readable_by_all = 0644;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* it) const {
    Free(it);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;

// What only lack of memory can make fail.
void must(int result) {
  CHECK(result > 0);
}

PrivateKey new_key() {
  PrivateKey key{EVP_EC_gen("P-256")};
  CHECK(key != nullptr);
  return key;
}

void add_extension(X509* certificate, X509* issuer, int kind, std::string const& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> const extension{
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  CHECK(extension != nullptr);
  must(X509_add_ext(certificate, extension.get(), -1));
}

// Of 159 random bits: positive, and never the same (RFC 5280, 4.1.2.2).
void set_serial(X509* certificate) {
  std::unique_ptr<BIGNUM, Freed<BN_free>> const number{BN_new()};
  must(BN_rand(number.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_name(X509_NAME* name, std::string const& text) {
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<unsigned char const*>(text.c_str()), -1, -1, 0));
}

Certificate new_certificate(EVP_PKEY* key, long days) {
  Certificate certificate{X509_new()};
  CHECK(certificate != nullptr);
  must(X509_set_version(certificate.get(), X509_VERSION_3));
  set_serial(certificate.get());
  CHECK(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -earlier_seconds) != nullptr);
  CHECK(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * day_seconds) != nullptr);
  must(X509_set_pubkey(certificate.get(), key));
  return certificate;
}

Certificate new_authority_certificate(EVP_PKEY* key) {
  auto certificate = new_certificate(key, authority_days);
  X509* const own = certificate.get();
  set_name(X509_get_subject_name(own), "chisme authority");
  must(X509_set_issuer_name(own, X509_get_subject_name(own)));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  must(X509_sign(own, key, EVP_sha256()));
  return certificate;
}

bool is_host_name(std::string const& host) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  return !host.empty() && host.size() <= 253 && !host.starts_with(".") && !host.starts_with("-") &&
         host.find_first_not_of(known) == std::string::npos;
}

bool is_address(std::string const& host) {
  bool const six = host.find(':') != std::string::npos;
  return parse_endpoint((six ? "[" + host + "]" : host) + ":1").has_value();
}

// "DNS:films.example,IP:192.168.1.11" (RFC 5280, 4.2.1.6).
Result<std::string> alternative_names(std::vector<std::string> const& hosts) {
  if (hosts.empty() || hosts.size() > hosts_max) {
    return fail(Fault::invalid, "a certificate is for 1 to 100 hosts: --host NAME_OR_ADDRESS");
  }
  std::string names;
  for (std::string const& host : hosts) {
    bool const address = is_address(host);
    if (!address && !is_host_name(host)) {
      return fail(Fault::invalid, "\"" + host +
                                      "\" is no address and no host name in small letters, without "
                                      "a port: films.example, 192.168.1.11");
    }
    names += (names.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + host;
  }
  return names;
}

std::string taken(BIO* memory) {
  char* bytes = nullptr;
  long const size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string text_of(X509* certificate) {
  Memory const memory{BIO_new(BIO_s_mem())};
  must(PEM_write_bio_X509(memory.get(), certificate));
  return taken(memory.get());
}

std::string text_of(EVP_PKEY* key) {
  Memory const memory{BIO_new(BIO_s_secmem())};
  must(PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr));
  return taken(memory.get());
}

Result<void> write_new(fs::path const& path, std::string const& text, mode_t mode) {
  auto const file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return tl::unexpected<Error>(file.error());
  auto done = write_all(file->number(), std::as_bytes(std::span{text}), path).and_then([&] {
    return sync_file(file->number(), path);
  });
  if (done && ::fchmod(file->number(), mode) != 0) done = failed("setting the mode of", path);
  return done;
}

struct Pair {
  fs::path certificate;
  fs::path key;
};

// Both or none.
Result<void> write_pair(Pair const& paths, std::string const& certificate, EVP_PKEY* key) {
  for (fs::path const& path : {paths.certificate, paths.key}) {
    if (!fs::exists(fs::symlink_status(path))) continue;
    return fail(Fault::invalid,
                "there is a file " + path.string() + " already, which is not overwritten");
  }
  if (auto written = write_new(paths.key, text_of(key), 0600); !written) return written;
  auto written = write_new(paths.certificate, certificate, readable_by_all);
  if (!written) {
    std::error_code ignored;
    fs::remove(paths.key, ignored);
  }
  return written;
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
};

Result<Authority> read_authority(fs::path const& directory) {
  Authority authority;
  auto const certificate = read_file(directory / "ca.pem");
  auto const key = read_file(directory / "ca.key");
  if (certificate && key) {
    ERR_clear_error();
    Memory const first{BIO_new_mem_buf(certificate->data(), static_cast<int>(certificate->size()))};
    Memory const second{BIO_new_mem_buf(key->data(), static_cast<int>(key->size()))};
    char passphrase[] = "";
    authority.certificate.reset(PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
    authority.key.reset(PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, passphrase));
  }
  bool const whole = authority.certificate && authority.key &&
                     X509_check_private_key(authority.certificate.get(), authority.key.get()) == 1;
  if (whole) return authority;
  return fail(Fault::invalid, directory.string() +
                                  " has no ca.pem and ca.key that belong together: make them with "
                                  "chisme ca new " +
                                  directory.string());
}

}  // namespace

Result<void> make_authority(fs::path const& directory) {
  if (auto made = make_directories(directory); !made) return made;
  auto const key = new_key();
  auto const certificate = new_authority_certificate(key.get());
  return write_pair({directory / "ca.pem", directory / "ca.key"}, text_of(certificate.get()),
                    key.get());
}

Result<void> issue_certificate(fs::path const& directory, CertificateRequest const& request) {
  auto const names = alternative_names(request.hosts);
  if (!names) return tl::unexpected<Error>(names.error());
  auto const authority = read_authority(directory);
  if (!authority) return tl::unexpected<Error>(authority.error());
  auto const key = new_key();
  auto const certificate = new_certificate(key.get(), static_cast<long>(request.days));
  X509* const own = certificate.get();
  X509* const issuer = authority->certificate.get();
  ASN1_TIME const* const end = X509_get0_notAfter(issuer);
  if (ASN1_TIME_compare(X509_get0_notAfter(own), end) > 0) must(X509_set1_notAfter(own, end));
  set_name(X509_get_subject_name(own), "chisme node");
  must(X509_set_issuer_name(own, X509_get_subject_name(issuer)));
  add_extension(own, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(own, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(own, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(own, issuer, NID_subject_alt_name, *names);
  add_extension(own, issuer, NID_subject_key_identifier, "hash");
  add_extension(own, issuer, NID_authority_key_identifier, "keyid");
  must(X509_sign(own, authority->key.get(), EVP_sha256()));
  std::string const prefix = request.prefix.string();
  return write_pair({prefix + ".pem", prefix + ".key"}, text_of(own) + text_of(issuer), key.get());
}

}  // namespace chisme::node
