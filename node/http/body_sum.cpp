#include "node/http/body_sum.hpp"

#include <array>

#include "cluster/base/check.hpp"
#include "web/base64.hpp"

namespace chisme::node {
namespace {

constexpr std::uint64_t crc32_polynomial = 0xedb88320;
constexpr std::uint64_t crc32c_polynomial = 0x82f63b78;
constexpr std::uint64_t crc64nvme_polynomial = 0x9a6c9329ac4bc9b5;

using CrcTable = std::array<std::uint64_t, 256>;

constexpr CrcTable crc_table(std::uint64_t polynomial) {
  CrcTable table{};
  for (std::uint64_t byte = 0; byte < table.size(); ++byte) {
    std::uint64_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? polynomial : 0);
    table[byte] = rest;
  }
  return table;
}

constexpr CrcTable crc32_table = crc_table(crc32_polynomial);
constexpr CrcTable crc32c_table = crc_table(crc32c_polynomial);
constexpr CrcTable crc64nvme_table = crc_table(crc64nvme_polynomial);

CrcTable const& table_of(std::uint64_t polynomial) {
  if (polynomial == crc32_polynomial) return crc32_table;
  return polynomial == crc32c_polynomial ? crc32c_table : crc64nvme_table;
}

}  // namespace

BodySum::BodySum(std::string_view algorithm) {
  if (algorithm == "sha1" || algorithm == "sha256") {
    hash_.emplace(std::string{algorithm});
    return;
  }
  bool const is_long = algorithm == "crc64nvme";
  CHECK(is_long || algorithm == "crc32" || algorithm == "crc32c");
  bytes_ = is_long ? 8 : 4;
  polynomial_ = is_long                ? crc64nvme_polynomial
                : algorithm == "crc32" ? crc32_polynomial
                                       : crc32c_polynomial;
  if (!is_long) crc_ = 0xffffffff;
}

void BodySum::update(std::span<std::byte const> bytes) {
  if (hash_) return hash_->update(bytes);
  CrcTable const& table = table_of(polynomial_);
  std::uint64_t crc = crc_;
  for (std::byte const byte : bytes) {
    crc = table[(crc ^ std::to_integer<std::uint64_t>(byte)) & 255] ^ crc >> 8;
  }
  crc_ = crc;
}

std::string BodySum::finish() {
  std::string sum = hash_ ? hash_->finish() : std::string{};
  for (unsigned i = bytes_; i-- > 0;) sum += static_cast<char>(~crc_ >> (8 * i) & 255);
  return web::base64_encoded({reinterpret_cast<std::uint8_t const*>(sum.data()), sum.size()});
}

}  // namespace chisme::node
