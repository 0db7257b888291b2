#pragma once

#include <cstddef>
#include <span>

#include "cluster/base/time.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// What a decision about copies depends on, besides the catalogue. Valid for one call.
struct Situation {
  Instant now{};
  NodeId self;
  std::span<MemberView const> members;  // self included, ordered by id
  unsigned copies_wanted = 1;           // R in force
  unsigned copies_durable = 1;          // W in force
};

// nullptr when `id` is no member.
[[nodiscard]] MemberView const* find_member(std::span<MemberView const> members, NodeId id);
// How many members there should be: all but those that left, and those that are dead and replaced:
// somebody else lives at their address, with a new identity because their disk was lost.
[[nodiscard]] std::size_t expected_members(std::span<MemberView const> members);
// Alive, or only suspected not to be: worth talking to.
[[nodiscard]] bool is_reachable(MemberView const* member);

}  // namespace chisme::cluster
