#include "cluster/replication/situation.hpp"

#include <algorithm>

namespace chisme::cluster {

std::size_t expected_members(std::span<MemberView const> members) {
  auto const is_replaced = [&](MemberView const& dead) {
    return std::ranges::any_of(members, [&](MemberView const& member) {
      return is_reachable(&member) && member.alive.peer == dead.alive.peer;
    });
  };
  return static_cast<std::size_t>(std::ranges::count_if(members, [&](MemberView const& member) {
    if (member.state == MemberState::dead) return !is_replaced(member);
    return member.state != MemberState::left;
  }));
}

bool is_busy(Situation const& situation) {
  constexpr double busy = 0.8;
  MemberView const* const self = find_member(situation.members, situation.self);
  if (self == nullptr || !self->load || self->full_at <= 0) return false;
  return self->load->in_flight > busy * self->full_at;
}

unsigned throttled(unsigned most, Situation const& situation) {
  return is_busy(situation) ? (most + 1) / 2 : most;
}

std::optional<float> disk_used(Situation const& situation, NodeId id) {
  MemberView const* const member = find_member(situation.members, id);
  if (member == nullptr || !member->load) return std::nullopt;
  return member->load->disk_used_ratio;
}

Duration slowest_transfer(ByteCount size) {
  constexpr std::uint64_t slowest_bytes_per_second = 1u << 20;
  return std::chrono::seconds{size.value() / slowest_bytes_per_second};
}

bool is_reachable(MemberView const* member) {
  return member != nullptr &&
         (member->state == MemberState::alive || member->state == MemberState::suspect);
}

}  // namespace chisme::cluster
