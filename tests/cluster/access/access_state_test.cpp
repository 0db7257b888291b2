#include "cluster/access/access_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster {
namespace {

WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

using Item = std::variant<Revocation, LinkUses>;

void merge(AccessState& state, Item const& item) {
  std::visit([&](auto const& one) { state.merge(one); }, item);
}

// Few ids, ends and nodes, so that items meet.
Item some_item(Random& random) {
  WallTime const until = at(static_cast<std::int64_t>(random.below(5)));
  if (random.chance(0.5)) {
    auto const kind = random.chance(0.5) ? CredentialKind::token : CredentialKind::link;
    return Revocation{kind, random.below(6), until};
  }
  LinkUses uses{random.below(4), until, {}};
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    uses.counts.push_back(
        {NodeId{0, random.below(4)}, static_cast<std::uint32_t>(random.below(5))});
  }
  return uses;
}

AccessState state_of(std::vector<Item> const& items) {
  AccessState state;
  for (Item const& item : items) merge(state, item);
  return state;
}

void merge_all(AccessState& into, AccessState const& other) {
  AccessNews const all = other.all();
  for (auto const& one : all.revoked) into.merge(one);
  for (auto const& one : all.uses) into.merge(one);
}

TEST(AccessState, OrderAndRepetitionDoNotMatter) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random{seed};
    std::vector<Item> items;
    for (int i = 0; i < 30; ++i) items.push_back(some_item(random));
    AccessState const expected = state_of(items);
    for (int i = 0; i < 10; ++i) items.push_back(items[random.below(items.size())]);
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
    EXPECT_EQ(state_of(items), expected) << seed;
    EXPECT_EQ(state_of(items).fingerprint(), expected.fingerprint());
    auto const half = items.begin() + 15;
    AccessState left = state_of({items.begin(), half});
    merge_all(left, state_of({half, items.end()}));
    EXPECT_EQ(left, expected) << seed;
  }
}

TEST(AccessState, ItSaysWhetherSomethingWasNews) {
  AccessState state;
  EXPECT_TRUE(state.merge(Revocation{CredentialKind::link, 1, at(5)}));
  EXPECT_FALSE(state.merge(Revocation{CredentialKind::link, 1, at(5)}));
  EXPECT_FALSE(state.merge(Revocation{CredentialKind::link, 1, at(4)}));
  EXPECT_TRUE(state.merge(Revocation{CredentialKind::link, 1, at(6)}));
  EXPECT_TRUE(state.is_revoked(CredentialKind::link, 1));
  EXPECT_FALSE(state.is_revoked(CredentialKind::token, 1));
  EXPECT_TRUE(state.merge(LinkUses{7, at(5), {{NodeId{0, 1}, 3}}}));
  EXPECT_FALSE(state.merge(LinkUses{7, at(5), {{NodeId{0, 1}, 2}}}));
  EXPECT_TRUE(state.merge(LinkUses{7, at(5), {{NodeId{0, 2}, 2}}}));
  EXPECT_EQ(state.uses(7), 5u);
  EXPECT_EQ(state.uses_elsewhere(7, NodeId{0, 1}), 2u);
  EXPECT_EQ(state.uses_at(7, NodeId{0, 3}), 0u);
}

TEST(AccessState, FingerprintsTellStatesApart) {
  AccessState a;
  AccessState b;
  EXPECT_EQ(a.fingerprint(), 0u);
  a.merge(Revocation{CredentialKind::link, 1, at(5)});
  b.merge(Revocation{CredentialKind::token, 1, at(5)});
  EXPECT_NE(a.fingerprint(), b.fingerprint());
  b = a;
  b.merge(LinkUses{1, at(5), {{NodeId{0, 1}, 1}}});
  AccessState c = b;
  c.merge(LinkUses{1, at(5), {{NodeId{0, 1}, 2}}});
  EXPECT_NE(b.fingerprint(), c.fingerprint());
}

TEST(AccessState, WhatIsOverIsForgotten) {
  AccessState state;
  state.merge(Revocation{CredentialKind::link, 1, at(5)});
  state.merge(Revocation{CredentialKind::link, 2, at(9)});
  state.merge(LinkUses{3, at(5), {{NodeId{0, 1}, 1}}});
  EXPECT_FALSE(state.forget(at(5)));
  EXPECT_TRUE(state.forget(at(6)));
  EXPECT_EQ(state.revoked_count(), 1u);
  EXPECT_EQ(state.link_count(), 0u);
  EXPECT_TRUE(state.is_revoked(CredentialKind::link, 2));
}

TEST(AccessState, WhatIsTooMuchLosesWhatEndsFirstWhateverTheOrder) {
  constexpr std::size_t most = AccessState::merged_factor * AccessState::revoked_max;
  std::vector<Item> items;
  for (std::size_t i = 0; i < most + 50; ++i) {
    items.push_back(
        Revocation{CredentialKind::token, mix(i), at(static_cast<std::int64_t>(i % 1000))});
  }
  AccessState const forwards = state_of(items);
  std::ranges::reverse(items);
  AccessState const backwards = state_of(items);
  EXPECT_EQ(forwards.revoked_count(), most);
  EXPECT_EQ(forwards, backwards);
  // Those that end last are there.
  for (std::size_t i = 900; i < 1000; ++i) {
    EXPECT_TRUE(forwards.is_revoked(CredentialKind::token, mix(i)));
  }
  std::vector<Item> uses;
  for (std::uint32_t i = 1; i <= AccessState::counters_max + 20; ++i) {
    uses.push_back(LinkUses{1, at(9), {{NodeId{0, mix(i)}, i % 40}}});
  }
  AccessState const counted = state_of(uses);
  std::ranges::reverse(uses);
  EXPECT_EQ(counted, state_of(uses));
  EXPECT_EQ(counted.all().uses.at(0).counts.size(), AccessState::counters_max);
}

TEST(AccessState, AllOfItComesBackFromItsBytes) {
  Random random{5};
  std::vector<Item> items;
  for (int i = 0; i < 40; ++i) items.push_back(some_item(random));
  AccessState const state = state_of(items);
  std::string const bytes = encode(state.all());
  auto const read = decode_access(std::as_bytes(std::span{bytes}));
  ASSERT_TRUE(read.has_value());
  AccessState again;
  for (auto const& one : read->revoked) again.merge(one);
  for (auto const& one : read->uses) again.merge(one);
  EXPECT_EQ(again, state);
}

}  // namespace
}  // namespace chisme::cluster
