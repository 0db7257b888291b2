#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "node/http/checksum.hpp"

namespace chisme::node {

// BodySum is the checksum that an S3 client announces of a body besides SHA-256 and MD5, in a
// header or a trailer (S3 API reference, "Checking object integrity"): CRC32 (ISO 3309), CRC32C
// (RFC 3720), CRC64NVME (NVM Express), SHA1, SHA256. One thread owns it.
class BodySum {
 public:
  // REQUIRES: `algorithm` is one of web::s3::sum_algorithms.
  explicit BodySum(std::string_view algorithm);
  void update(std::span<std::byte const> bytes);
  // In base64, as clients write it. REQUIRES: called once, last.
  [[nodiscard]] std::string finish();

 private:
  std::uint64_t polynomial_ = 0;  // reflected
  unsigned bytes_ = 0;            // of a CRC; 0: it is a hash
  std::uint64_t crc_ = ~std::uint64_t{0};
  std::optional<Checksum> hash_;
};

}  // namespace chisme::node
