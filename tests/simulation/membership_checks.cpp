#include "tests/simulation/membership_checks.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr Incarnation last_incarnation{std::numeric_limits<std::uint32_t>::max()};

NewsKey key_of(MemberView const& member) {
  bool const left = member.state == MemberState::left;
  return {member.alive.epoch, left ? last_incarnation : member.alive.incarnation, member.state};
}

std::string text_of(NewsKey const& key) {
  return std::to_string(key.epoch.value()) + "." + std::to_string(key.incarnation.value()) + " " +
         std::to_string(static_cast<int>(key.rank));
}

}  // namespace

void MembershipChecks::ends(Host const& host) {
  note_own(host.view());
}

void MembershipChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) note_own(sight.view);
  if (!around_.cloned.empty()) check_twins(sights);
  for (Sight const& sight : sights) {
    Seen& seen = seen_[sight.host->index()];
    if (seen.run != sight.host->run()) seen = Seen{sight.host->run(), {}};
    for (MemberView const& member : sight.view.members) {
      check_order(*sight.host, member, seen);
      check_raised(*sight.host, member);
    }
    if (!std::ranges::is_sorted(sight.view.members, {},
                                [](MemberView const& member) { return member.alive.id; })) {
      around_.violated(name_of(*sight.host) + ": members are not in order");
    }
  }
}

// Whoever meets its namesake ends, if it is the older one.
void MembershipChecks::check_twins(std::span<Sight const> sights) {
  Duration const patience = push_pull_period_of(around_.scenario) + std::chrono::seconds{2};
  Instant const now = around_.agenda.now();
  auto const before = std::exchange(twins_, {});
  for (std::size_t i = 0; i < sights.size(); ++i) {
    for (std::size_t j = i + 1; j < sights.size(); ++j) {
      Host const& a = *sights[i].host;
      Host const& b = *sights[j].host;
      if (a.id() != b.id() || !around_.network->connects(a.index(), b.index())) continue;
      if (a.is_paused() || b.is_paused()) continue;  // hears nobody
      Twins twins{a.run(), b.run(), now};
      auto const known = before.find({a.index(), b.index()});
      bool const same =
          known != before.end() && known->second.run_a == a.run() && known->second.run_b == b.run();
      if (same) twins.since = known->second.since;
      if (now - twins.since > patience) {
        around_.violated(Invariant::views_agree,
                         name_of(a) + " and " + name_of(b) + " live with one identity");
        twins.since = now;
      }
      twins_[{a.index(), b.index()}] = twins;
    }
  }
}

void MembershipChecks::note_own(ClusterView const& view) {
  for (MemberView const& member : view.members) {
    if (!member.self) continue;
    Announced const now{member.alive.epoch, member.alive.incarnation};
    Announced& before = announced_.try_emplace(member.alive.id, now).first->second;
    before = std::max(before, now);
  }
}

void MembershipChecks::check_order(Host const& host, MemberView const& member, Seen& seen) {
  NewsKey const now = key_of(member);
  NewsKey& before = seen.news.try_emplace(member.alive.id, now).first->second;
  if (now < before) {
    bool const revived = !is_live(before.rank) && is_live(now.rank);
    around_.violated(revived ? Invariant::no_resurrection : Invariant::news_never_goes_back,
                     name_of(host) + ": " + to_string(member.alive.id) + " went from " +
                         text_of(before) + " to " + text_of(now));
  }
  before = now;
}

void MembershipChecks::check_raised(Host const& host, MemberView const& member) {
  auto const own = announced_.find(member.alive.id);
  Announced const told{member.alive.epoch, member.alive.incarnation};
  if (own != announced_.end() && told <= own->second) return;
  around_.violated(
      Invariant::only_the_owner_raises,
      name_of(host) + ": " + to_string(member.alive.id) + " never said " + text_of(key_of(member)));
}

std::optional<Violation> wrong_views(std::span<Sight const> sights) {
  std::set<NodeId> live;
  for (Sight const& sight : sights) live.insert(sight.host->id());
  for (Sight const& sight : sights) {
    std::set<NodeId> alive;
    bool suspects = false;
    for (MemberView const& member : sight.view.members) {
      if (is_live(member.state)) alive.insert(member.alive.id);
      if (member.state == MemberState::suspect) suspects = true;
    }
    std::string const who = name_of(*sight.host);
    if (alive != live) {
      return Violation{Invariant::views_agree,
                       {},
                       who + " sees " + std::to_string(alive.size()) + " of " +
                           std::to_string(live.size()) + " members"};
    }
    if (suspects) return Violation{Invariant::nothing_pending, {}, who + " suspects a member"};
    if (!sight.view.in_touch) {
      return Violation{Invariant::views_agree, {}, who + " is out of touch"};
    }
  }
  return std::nullopt;
}

}  // namespace chisme::simulation
