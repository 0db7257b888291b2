#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "cluster/base/identity.hpp"

struct evp_md_ctx_st;

namespace chisme::node {

// Sha256 hashes bytes as they come (FIPS 180-4, by OpenSSL). One thread owns it.
class Sha256 {
 public:
  Sha256();
  void update(std::span<std::byte const> bytes);
  // Of all bytes so far. REQUIRES: called once, last.
  [[nodiscard]] Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace chisme::node
