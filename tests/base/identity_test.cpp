#include "cluster/base/identity.hpp"

#include <gtest/gtest.h>

namespace chisme {
namespace {

TEST(NodeIdText, ReadsWhatItWrites) {
  NodeId const id{0x0123456789abcdefu, 42};
  EXPECT_EQ(to_string(id), "0123456789abcdef000000000000002a");
  EXPECT_EQ(parse_node_id(to_string(id)), id);
}

TEST(NodeIdText, RefusesOtherLengthsAndDigits) {
  EXPECT_FALSE(parse_node_id(""));
  EXPECT_FALSE(parse_node_id("0123456789ABCDEF000000000000002A"));
  EXPECT_FALSE(parse_node_id("0123456789abcdef000000000000002"));
  EXPECT_FALSE(parse_node_id("0123456789abcdef00000000000000-1"));
}

TEST(VersionText, OrdersAsVersionsDo) {
  Version const older{9, NodeId{7, 7}};
  Version const newer{0x10, NodeId{1, 1}};
  ASSERT_LT(older, newer);
  EXPECT_LT(to_string(older), to_string(newer));
  EXPECT_EQ(parse_version(to_string(newer)), newer);
  EXPECT_FALSE(parse_version("0000000000000010_00000000000000010000000000000001"));
}

TEST(DigestText, ReadsWhatItWrites) {
  Digest digest;
  digest.bytes[0] = 0xab;
  digest.bytes[31] = 0x01;
  EXPECT_EQ(parse_digest(to_hex(digest)), digest);
  EXPECT_FALSE(parse_digest(to_hex(digest).substr(1)));
}

TEST(EndpointText, ReadsBothFamilies) {
  auto const v4 = parse_endpoint("127.0.0.1:7701");
  ASSERT_TRUE(v4);
  EXPECT_EQ(to_string(*v4), "127.0.0.1:7701");
  EXPECT_TRUE(is_loopback(*v4));
  auto const v6 = parse_endpoint("[2001:db8::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(to_string(*v6), "[2001:db8::1]:80");
  EXPECT_FALSE(is_loopback(*v6));
  EXPECT_TRUE(is_loopback(*parse_endpoint("[::1]:1")));
}

TEST(EndpointText, RefusesWhatIsNoAddressAndPort) {
  for (char const* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "localhost:1", "::1:2",
                           "127.0.0.1:-1", "127.0.0.1:80x"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace chisme
