#include "node/security/keys.hpp"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>
#include <vector>

#include "cluster/base/check.hpp"

namespace chisme::node {
namespace {

struct FreeKeyContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

}  // namespace

Key derive_key(Secret const& secret, std::string_view purpose,
               std::span<std::uint8_t const> context) {
  std::vector<std::uint8_t> info(purpose.begin(), purpose.end());
  info.push_back(0);  // so that no purpose runs into a context
  info.insert(info.end(), context.begin(), context.end());
  std::unique_ptr<EVP_PKEY_CTX, FreeKeyContext> const hkdf{
      EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr)};
  Key key{};
  std::size_t length = key.size();
  CHECK(hkdf && EVP_PKEY_derive_init(hkdf.get()) == 1);
  CHECK(EVP_PKEY_CTX_set_hkdf_md(hkdf.get(), EVP_sha256()) == 1);
  CHECK(EVP_PKEY_CTX_set1_hkdf_key(hkdf.get(), secret.bytes.data(),
                                   static_cast<int>(secret.bytes.size())) == 1);
  CHECK(EVP_PKEY_CTX_add1_hkdf_info(hkdf.get(), info.data(), static_cast<int>(info.size())) == 1);
  CHECK(EVP_PKEY_derive(hkdf.get(), key.data(), &length) == 1 && length == key.size());
  return key;
}

KeyId key_id_of(Secret const& secret) {
  Key const key = derive_key(secret, "chisme key id");
  KeyId id = 0;
  for (std::size_t i = 0; i < sizeof id; ++i) id = id << 8 | key[i];
  return id;
}

}  // namespace chisme::node
