#pragma once

#include <cstddef>
#include <cstdint>
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

// The nodes that should hold `key`, best first, at most `count`: alive and not draining, at most
// 90 % full while there are others, over distinct zones first. `exclude` never appears.
[[nodiscard]] std::vector<NodeId> place(std::uint64_t key, std::span<MemberView const> members,
                                        std::size_t count, std::span<NodeId const> exclude = {});

}  // namespace chisme::cluster
