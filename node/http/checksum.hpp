#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace chisme::node {

// Checksum hashes bytes as they come, by OpenSSL: "sha256", "sha1" or "md5". One thread owns it.
class Checksum {
 public:
  explicit Checksum(std::string const& algorithm);
  void update(std::span<std::byte const> bytes);
  // The digest's bytes. REQUIRES: called once, last.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace chisme::node
