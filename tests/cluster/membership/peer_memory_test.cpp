#include "cluster/membership/peer_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/membership/member_table.hpp"
#include "tests/cluster/membership/network.hpp"

namespace chisme::cluster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

NodeId id_of(std::size_t node) {
  return Network::id_of(node);
}
Endpoint place(std::size_t number) {
  return Network::endpoint_of(number);
}

AliveRecord member(std::size_t node, Endpoint const& at) {
  AliveRecord record;
  record.id = id_of(node);
  record.peer = at;
  return record;
}

PeerMemory remembering(std::vector<KnownPeer> const& remembered) {
  return {id_of(0), place(0), {place(0), place(1)}, remembered, Instant{}};
}

TEST(PeerMemory, WhoIsRememberedIsMissedUntilItIsMetWhereverItIs) {
  PeerMemory memory =
      remembering({{id_of(0), place(9)}, {id_of(1), place(1)}, {id_of(2), place(2)}});
  EXPECT_EQ(memory.missed(0), 2u);
  memory.met(member(1, place(7)));
  EXPECT_THAT(memory.unmet(1), ElementsAre(KnownPeer{id_of(2), place(2)}));
  memory.met(member(2, place(1)));
  EXPECT_EQ(memory.missed(2), 0u);
}

// With newcomers there are as many members as there were: those on the other side are missed still.
TEST(PeerMemory, NewcomersAreNobodyWhoIsMissed) {
  PeerMemory memory = remembering({{id_of(1), place(1)}, {id_of(2), place(2)}});
  memory.met(member(11, place(11)));
  memory.met(member(12, place(12)));
  EXPECT_EQ(memory.missed(2), 2u);
}

TEST(PeerMemory, SomebodyNewAtItsAddressMeansThatItsDiskIsLost) {
  PeerMemory memory = remembering({{id_of(1), place(1)}});
  memory.met(member(11, place(1)));
  EXPECT_EQ(memory.missed(1), 0u);
}

TEST(PeerMemory, SomebodyElseWhoMovedToItsAddressDoesNot) {
  PeerMemory memory = remembering({{id_of(1), place(1)}, {id_of(2), place(2)}});
  memory.met(member(2, place(1)));
  EXPECT_THAT(memory.unmet(1), ElementsAre(KnownPeer{id_of(1), place(1)}));
}

TEST(PeerMemory, WithoutMembersTheConfiguredAddressesAreMissed) {
  PeerMemory memory = remembering({});
  EXPECT_THAT(memory.unmet(0), ElementsAre(KnownPeer{NodeId{}, place(1)}));
  memory.met(member(1, place(1)));
  EXPECT_EQ(memory.missed(1), 0u);
  EXPECT_EQ(remembering({{id_of(2), place(2)}}).missed(0), 1u);
}

TEST(PeerMemory, OfAddressesAloneNoMoreAreMissedThanThereAreFewerMembers) {
  PeerMemory memory = remembering({{{}, place(1)}, {{}, place(2)}, {{}, place(3)}});
  memory.met(member(1, place(8)));
  EXPECT_EQ(memory.missed(1), 2u);
  EXPECT_EQ(memory.unmet(2).size(), 1u);
}

TEST(PeerMemory, NobodyIsMissedForLongerThanADeadMember) {
  PeerMemory memory = remembering({{id_of(1), place(1)}, {{}, place(2)}});
  memory.tick(Instant{} + MemberTable::dead_kept - Duration{1});
  EXPECT_EQ(memory.missed(0), 2u);
  memory.tick(Instant{} + MemberTable::dead_kept);
  EXPECT_THAT(memory.unmet(0), IsEmpty());
}

}  // namespace
}  // namespace chisme::cluster::testing
