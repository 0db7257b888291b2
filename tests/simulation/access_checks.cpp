#include "tests/simulation/access_checks.hpp"

#include <algorithm>

#include "tests/simulation/host.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

bool knows(ClusterView const& view, Revocation const& revocation) {
  return view.access->is_revoked(revocation.kind, revocation.id);
}

bool is_old(Host const& host) {
  return host.config().versions.highest < minimum_version<AccessNews>;
}

}  // namespace

// For a node whose clock ever was beyond its end, it is over.
bool AccessChecks::counts(Host const& host, WallTime until) const {
  return host.latest_believed() < until;
}

void AccessChecks::revoke() {
  for (std::uint64_t i = 0; i < around_.scenario.revocations; ++i) {
    Host& host = *around_.hosts[i % around_.hosts.size()];
    // A program of an old version knows no such request.
    if (!host.is_up() || is_old(host)) continue;
    revoked_.push_back(
        {i % 2 == 0 ? CredentialKind::token : CredentialKind::link, mix(i), host.wall() + life});
    host.give(RevokeRequested{RevokeId{i}, revoked_.back()});
  }
}

void AccessChecks::faults_begin() {
  for (auto const& host : around_.hosts) {
    if (!host->is_up()) continue;
    ClusterView const view = host->view();
    bool const knows_all =
        std::ranges::all_of(revoked_, [&](auto const& one) { return knows(view, one); });
    if (knows_all) knowing_.insert(host->index());
  }
}

void AccessChecks::loses_disk(Host const& host) {
  knowing_.erase(host.index());
}

void AccessChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    if (!knowing_.contains(sight.host->index())) continue;
    for (Revocation const& one : revoked_) {
      if (!counts(*sight.host, one.until) || knows(sight.view, one)) continue;
      knowing_.erase(sight.host->index());  // told once
      around_.violated(Invariant::revoked_stays_revoked,
                       name_of(*sight.host) + " holds for valid again what was revoked");
      break;
    }
  }
}

std::optional<Violation> AccessChecks::disagreement(std::span<Sight const> sights) const {
  for (Sight const& sight : sights) {
    for (Revocation const& one : revoked_) {
      bool const wanted = !is_old(*sight.host) && sight.host->believed() < one.until;
      if (!wanted || knows(sight.view, one)) continue;
      return Violation{Invariant::revoked_stays_revoked,
                       {},
                       name_of(*sight.host) + " does not know of a revocation"};
    }
  }
  return std::nullopt;
}

}  // namespace chisme::simulation
