#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights as -w / ln h): each node scores
// each key, the highest scores hold it, and a change of membership moves only what it must.

// The key under which a file's object is placed.
[[nodiscard]] std::uint64_t placement_key(std::string_view name);

// The score of one node for one key: the higher, the better.
[[nodiscard]] double rendezvous_score(std::uint64_t key, NodeId node, std::uint32_t weight);

// The nodes that should hold `key`, best first, at most `count`: alive and not draining, at most
// 90 % full while there are others, over distinct zones first. `exclude` (the copies that exist)
// never appears, and its zones count as taken. O(members + count log members).
[[nodiscard]] std::vector<NodeId> place(std::uint64_t key, std::span<MemberView const> members,
                                        std::size_t count, std::span<NodeId const> exclude = {});

// Those of `holders` that are alive and not draining, in the order in which they should keep their
// copies: as if they were all the nodes there are. `members` is ordered by id. Those that `place`
// would choose come first when all of them hold it.
[[nodiscard]] std::vector<NodeId> rank_holders(std::uint64_t key,
                                               std::span<MemberView const> members,
                                               std::span<NodeId const> holders);

// How long after its time `self` removes the expired file of that key: the first node that should
// hold it at once, the next two each `sweep_turn` later than the one before, for the first may have
// a slow clock or a disk that failed. nullopt: it is none of these.
inline constexpr std::chrono::seconds sweep_turn{30};
[[nodiscard]] std::optional<std::chrono::seconds> sweep_delay(std::uint64_t key,
                                                              std::span<MemberView const> members,
                                                              NodeId self);

// More than 90 % of its disk is used: it takes copies only when there is no other.
[[nodiscard]] bool is_nearly_full(LoadRecord const& load);
[[nodiscard]] bool is_nearly_full(MemberView const& member);

}  // namespace chisme::cluster
