#pragma once

#include <cstddef>
#include <optional>

#include "cluster/base/time.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// What a decision about copies depends on, besides the catalogue. Valid for one call.
struct Situation {
  Instant now{};
  NodeId self;
  Members members;              // self included, ordered by id
  unsigned copies_wanted = 1;   // R in force
  unsigned copies_durable = 1;  // W in force
  bool in_touch = true;         // Swim::in_touch
  std::size_t missed = 0;       // Swim::missed
};

// How many members there should be: all but those that left, and those that are dead and replaced:
// somebody else lives at their address, with a new identity because their disk was lost.
[[nodiscard]] std::size_t expected_members(std::span<MemberView const> members);
// This node serves more than 0.8 of the requests that it can serve without slowing them: work that
// can wait is halved.
[[nodiscard]] bool is_busy(Situation const& situation);
// How many of `most` things this node may do at a time now: half of them when it is busy.
[[nodiscard]] unsigned throttled(unsigned most, Situation const& situation);
// How much of `id`'s disk is used, 0..1; nullopt when it did not say.
[[nodiscard]] std::optional<float> disk_used(Situation const& situation, NodeId id);
// How long so many bytes take at the slowest rate worth waiting for.
[[nodiscard]] Duration slowest_transfer(ByteCount size);
// Alive, or only suspected not to be: worth talking to.
[[nodiscard]] bool is_reachable(MemberView const* member);

}  // namespace chisme::cluster
