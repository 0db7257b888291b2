#include "tests/simulation/departure_checks.hpp"

#include <algorithm>
#include <limits>

namespace chisme::simulation {

using namespace cluster;

void DepartureChecks::worked(Host const& host) {
  if (!host.is_leaving() || left_.contains({host.index(), host.run()})) return;
  ClusterView const view = host.view();
  MemberView const* const self = find_member(view.members, host.id());
  if (self == nullptr || self->state != MemberState::left) return;
  left_.emplace(host.index(), host.run());
  auto wrong = not_handed_over(host);
  if (wrong) wrong_.emplace(Run{host.index(), host.run()}, std::move(*wrong));
}

void DepartureChecks::announces(Host const& host, Event const& event) {
  auto const* const report = std::get_if<DepartureReport>(&event);
  if (report != nullptr && report->leaves_anyway) wrong_.erase({host.index(), host.run()});
}

void DepartureChecks::look() {
  for (auto const& [run, what] : std::exchange(wrong_, {})) {
    around_.violated(Invariant::no_removal_without_others, what);
  }
}

std::optional<std::string> DepartureChecks::not_handed_over(Host const& host) const {
  ClusterView const view = host.view();
  std::set<NodeId> staying;
  for (MemberView const& member : view.members) {
    bool const stays = member.state == MemberState::alive && !member.alive.draining;
    if (stays && !member.self) staying.insert(member.alive.id);
  }
  bool const is_told = !is_cut_off(host, staying);
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  std::size_t const wanted = std::min<std::size_t>(view.copies_wanted, staying.size());
  for (FileEntry const& file : view.catalogue.list("", "", all)) {
    Digest const& digest = file.put.digest;
    if (!host.disk().holds(digest)) continue;
    auto const said = std::ranges::count_if(
        file.holders, [&](NodeId const holder) { return staying.contains(holder); });
    auto const whole = std::ranges::count_if(around_.hosts, [&](auto const& other) {
      bool const is_rotten = copies_.is_rotten(*other, digest);
      return staying.contains(other->id()) && (is_rotten || copies_.counts(*other, digest));
    });
    bool const is_there = whole > 0 || wanted == 0 || !is_told;
    if (static_cast<std::size_t>(said) >= wanted && is_there) continue;
    return name_of(host) + " leaves while of " + std::to_string(wanted) + " other copies of " +
           file.put.name + " " + std::to_string(said) + " are known, and " + std::to_string(whole) +
           " are there";
  }
  return std::nullopt;
}

bool DepartureChecks::is_cut_off(Host const& host, std::set<NodeId> const& from) const {
  return std::ranges::any_of(around_.hosts, [&](auto const& other) {
    return from.contains(other->id()) && other->is_up() &&
           !around_.network->connects(host.index(), other->index());
  });
}

}  // namespace chisme::simulation
