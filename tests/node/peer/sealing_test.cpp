#include "node/peer/sealing.hpp"

#include <gtest/gtest.h>

#include "cluster/base/random.hpp"

namespace chisme::node {
namespace {

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

struct Sealing : testing::Test {
  std::string seal(std::string const& text) { return sealer.seal(ring, bytes_of(text)); }
  std::optional<std::string> open(std::string const& datagram) {
    auto opened = opener.open(ring, bytes_of(datagram));
    if (!opened) return std::nullopt;
    EXPECT_EQ(opened->sender, self);
    return opened->text;
  }
  NodeId const self{5, 6};
  std::vector<Secret> const secrets{new_secret()};
  KeyRing const ring{secrets};
  DatagramSealer sealer{self, Epoch{3}};
  DatagramOpener opener;
};

TEST_F(Sealing, WhatIsSealedIsOpened) {
  for (std::string const& text : {std::string{}, std::string{"x"}, std::string(1200, 'y')}) {
    std::string const datagram = seal(text);
    EXPECT_EQ(datagram.size(), text.size() + seal_bytes);
    EXPECT_EQ(open(datagram), text);
  }
}

TEST_F(Sealing, TheTextIsNotInIt) {
  EXPECT_EQ(seal("what nobody may read").find("nobody"), std::string::npos);
  EXPECT_NE(seal("the same").substr(seal_header_bytes), seal("the same").substr(seal_header_bytes));
}

TEST_F(Sealing, AChangedBitAnywhereIsNoticed) {
  std::string const datagram = seal("text");
  for (std::size_t i = 0; i < datagram.size() * 8; ++i) {
    std::string changed = datagram;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(opener.open(ring, bytes_of(changed))) << "bit " << i;
  }
  EXPECT_EQ(opener.senders(), 0u);
  EXPECT_TRUE(open(datagram));
}

TEST_F(Sealing, APartOfOneIsNone) {
  std::string const datagram = seal("text");
  for (std::size_t length = 0; length < datagram.size(); ++length) {
    EXPECT_FALSE(opener.open(ring, bytes_of(datagram.substr(0, length)))) << length;
  }
  EXPECT_FALSE(opener.open(ring, bytes_of(datagram + "x")));
}

TEST_F(Sealing, EachIsOpenedOnce) {
  std::string const first = seal("1"), second = seal("2");
  EXPECT_TRUE(open(second));
  EXPECT_TRUE(open(first));
  EXPECT_FALSE(open(first));
  EXPECT_FALSE(open(second));
}

TEST_F(Sealing, WhatIsOfAnOlderEpochIsRefused) {
  std::string const before = seal("before"), late = seal("late");
  EXPECT_TRUE(open(before));
  DatagramSealer restarted{self, Epoch{4}};
  EXPECT_TRUE(open(restarted.seal(ring, bytes_of("after"))));
  EXPECT_FALSE(open(late));
}

TEST_F(Sealing, TwoProcessesOfOneEpochAreHeardAndAThirdIsNot) {
  DatagramSealer twin{self, Epoch{3}}, third{self, Epoch{3}};
  EXPECT_TRUE(open(seal("one")));
  EXPECT_TRUE(open(twin.seal(ring, bytes_of("two"))));
  EXPECT_FALSE(open(third.seal(ring, bytes_of("three"))));
  EXPECT_TRUE(open(seal("one again")));
}

TEST_F(Sealing, AnotherSecretOpensNothing) {
  std::vector<Secret> const others{new_secret()};
  EXPECT_FALSE(opener.open(KeyRing{others}, bytes_of(seal("text"))));
}

TEST_F(Sealing, WhileASecretIsChangedBothAreAccepted) {
  std::vector<Secret> const both{secrets[0], new_secret()}, turned{both[1], both[0]};
  KeyRing const old_first{both}, new_first{turned};
  EXPECT_TRUE(opener.open(new_first, bytes_of(sealer.seal(old_first, bytes_of("a")))));
  EXPECT_TRUE(opener.open(old_first, bytes_of(sealer.seal(new_first, bytes_of("b")))));
  EXPECT_TRUE(opener.open(new_first, bytes_of(sealer.seal(old_first, bytes_of("c")))));
}

TEST_F(Sealing, WhatIsSealedForOnePurposeIsNotOpenedForAnother) {
  DatagramSealer announcing{self, Epoch{3}, announcement_purpose};
  DatagramOpener announced{announcement_purpose};
  std::string const gossip = seal("text"), announcement = announcing.seal(ring, bytes_of("text"));
  EXPECT_FALSE(open(announcement));
  EXPECT_FALSE(announced.open(ring, bytes_of(gossip)));
  EXPECT_TRUE(announced.open(ring, bytes_of(announcement)));
  EXPECT_TRUE(open(gossip));
}

TEST_F(Sealing, SendersAreBounded) {
  std::string const first = seal("first");
  EXPECT_TRUE(open(first));
  for (std::uint64_t i = 0; i < DatagramOpener::senders_max; ++i) {
    DatagramSealer other{NodeId{9, i}, Epoch{1}};
    Instant const now = Instant{} + i * std::chrono::milliseconds{1};
    EXPECT_TRUE(opener.open(ring, bytes_of(other.seal(ring, bytes_of("x"))), now));
  }
  EXPECT_EQ(opener.senders(), DatagramOpener::senders_max);
  Instant const later = Instant{} + std::chrono::minutes{1};
  EXPECT_TRUE(opener.open(ring, bytes_of(first), later)) << "it was silent longest";
}

// Each of them would cost a key.
TEST_F(Sealing, OfRunsThatAreMadeUpNoMoreAreTriedThanASecondHas) {
  EXPECT_TRUE(open(seal("known")));
  DatagramSealer newcomer{NodeId{7, 7}, Epoch{1}};
  std::string const genuine = newcomer.seal(ring, bytes_of("x"));
  for (std::size_t i = 1; i < DatagramOpener::tries_per_second; ++i) {
    std::string forged = genuine;
    forged[28] = static_cast<char>(genuine[28] ^ static_cast<char>(i));  // never its own run
    forged[29] = static_cast<char>(genuine[29] ^ static_cast<char>(i >> 8));
    EXPECT_FALSE(opener.open(ring, bytes_of(forged)));
  }
  EXPECT_FALSE(opener.open(ring, bytes_of(newcomer.seal(ring, bytes_of("too many")))));
  EXPECT_TRUE(open(seal("who is known is heard all the same")));
  Instant const next_second = Instant{} + std::chrono::seconds{1};
  EXPECT_TRUE(opener.open(ring, bytes_of(newcomer.seal(ring, bytes_of("now"))), next_second));
}

TEST_F(Sealing, WhatIsOldCostsNoTry) {
  EXPECT_TRUE(open(seal("known")));
  DatagramSealer before{self, Epoch{2}};
  for (std::size_t i = 0; i < 2 * DatagramOpener::tries_per_second; ++i) {
    EXPECT_FALSE(open(before.seal(ring, bytes_of("old"))));
  }
  DatagramSealer newcomer{NodeId{7, 7}, Epoch{1}};
  EXPECT_TRUE(opener.open(ring, bytes_of(newcomer.seal(ring, bytes_of("new")))));
}

TEST_F(Sealing, RandomBytesAreNone) {
  Random random{3};
  std::string const datagram = seal("text");
  for (int i = 0; i < 20000; ++i) {
    std::string noise = datagram.substr(0, random.below(seal_header_bytes));
    std::size_t const length = random.below(200);
    while (noise.size() < length) noise.push_back(static_cast<char>(random.below(256)));
    EXPECT_FALSE(opener.open(ring, bytes_of(noise)));
  }
  EXPECT_EQ(opener.senders(), 0u);
}

}  // namespace
}  // namespace chisme::node
