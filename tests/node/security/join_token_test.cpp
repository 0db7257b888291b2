#include "node/security/join_token.hpp"

#include <gtest/gtest.h>

#include "cluster/base/random.hpp"

namespace chisme::node {
namespace {

JoinToken token_of(std::size_t peers) {
  JoinToken token{new_secret(), {}};
  for (std::size_t i = 0; i < peers; ++i) {
    token.peers.push_back(*parse_endpoint("10.0.0." + std::to_string(i + 1) + ":8701"));
  }
  return token;
}

TEST(JoinToken, IsReadAsItIsWritten) {
  for (std::size_t const peers : {std::size_t{1}, std::size_t{2}, JoinToken::peers_max}) {
    JoinToken const token = token_of(peers);
    EXPECT_EQ(parse_join_token(to_text(token)), token);
  }
  JoinToken six = token_of(1);
  six.peers.push_back(*parse_endpoint("[fd00::1]:8701"));
  EXPECT_EQ(parse_join_token(to_text(six)), six);
}

TEST(JoinToken, WhatIsNotOneIsRefused) {
  std::string const good = to_text(token_of(1));
  for (std::size_t length = 0; length < good.size() - 3; ++length) {
    EXPECT_FALSE(parse_join_token(good.substr(0, length))) << length;
  }
  std::string const digits = good.substr(0, good.find('@'));
  for (char const* const peers : {"", "@", "@10.0.0.1", "@10.0.0.1:0", "@10.0.0.1:8701,",
                                  "@,10.0.0.1:8701", "0@10.0.0.1:8701", "@host:8701"}) {
    EXPECT_FALSE(parse_join_token(digits + peers)) << peers;
  }
  EXPECT_FALSE(parse_join_token(to_text(token_of(JoinToken::peers_max + 1))));
}

TEST(JoinToken, NoBytesEndTheProgram) {
  Random random{5};
  std::string const good = to_text(token_of(3));
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good.substr(0, random.below(good.size() + 1));
    for (std::uint64_t j = random.below(4); j > 0 && !bytes.empty(); --j) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    if (auto const token = parse_join_token(bytes))
      EXPECT_EQ(parse_join_token(to_text(*token)), token);
  }
}

}  // namespace
}  // namespace chisme::node
