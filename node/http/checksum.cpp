#include "node/http/checksum.hpp"

#include <openssl/evp.h>

#include <array>

#include "cluster/base/check.hpp"

namespace chisme::node {

void Checksum::Free::operator()(EVP_MD_CTX* context) const {
  EVP_MD_CTX_free(context);
}

Checksum::Checksum(std::string const& algorithm) : context_(EVP_MD_CTX_new()) {
  EVP_MD const* const known = EVP_get_digestbyname(algorithm.c_str());
  CHECK(context_ && known && EVP_DigestInit_ex(context_.get(), known, nullptr) == 1);
}

void Checksum::update(std::span<std::byte const> bytes) {
  CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Checksum::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace chisme::node
