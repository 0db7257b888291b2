#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

// The hashes that signatures of requests are made of, by OpenSSL. Any thread.
namespace chisme::web::s3 {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);
// HMAC-SHA-256 (RFC 2104).
[[nodiscard]] Sha256 hmac(std::string_view key, std::string_view bytes);
// As the key of the next HMAC.
[[nodiscard]] inline std::string_view bytes_of(Sha256 const& hash) {
  return {reinterpret_cast<char const*>(hash.data()), hash.size()};
}
// In lower case.
[[nodiscard]] std::string hex(std::string_view bytes);
[[nodiscard]] inline std::string hex(Sha256 const& hash) {
  return hex(bytes_of(hash));
}
// Whether they are the same, in a time that says nothing of where they differ.
[[nodiscard]] bool equal_in_secret(std::string_view a, std::string_view b);

// SHA-256 of bytes as they come. One thread owns it.
class RunningSha256 {
 public:
  RunningSha256();
  void update(std::span<std::byte const> bytes);
  // The hash of all since the beginning, or since it was last called.
  [[nodiscard]] Sha256 take();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace chisme::web::s3
