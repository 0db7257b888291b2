#include "node/http/body_sum.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chisme::node {
namespace {

std::string sum_of(std::string_view algorithm, std::string_view bytes) {
  BodySum sum(algorithm);
  for (char const& c : bytes) sum.update(std::as_bytes(std::span{&c, 1}));
  return sum.finish();
}

// The check values of the catalogue of CRCs for "123456789" (cbf43926, e3069283, ae8b14860a799888),
// and the hashes of FIPS 180-4's "abc".
TEST(BodySum, KnownValues) {
  EXPECT_EQ(sum_of("crc32", "123456789"), "y/Q5Jg==");
  EXPECT_EQ(sum_of("crc32c", "123456789"), "4waSgw==");
  EXPECT_EQ(sum_of("crc64nvme", "123456789"), "rosUhgp5mIg=");
  EXPECT_EQ(sum_of("sha1", "abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  EXPECT_EQ(sum_of("sha256", "abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST(BodySum, OfNothing) {
  EXPECT_EQ(sum_of("crc32", ""), "AAAAAA==");
  EXPECT_EQ(sum_of("crc64nvme", ""), "AAAAAAAAAAA=");
}

}  // namespace
}  // namespace chisme::node
