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

void MembershipChecks::announces(Host const& host, Event const& event) {
  auto const* const changed = std::get_if<MemberChanged>(&event);
  if (may_die_ || changed == nullptr || changed->state != MemberState::dead) return;
  around_.violated(Invariant::no_false_death,
                   name_of(host) + " holds " + to_string(changed->node) + " for dead");
}

MembershipChecks::Seen& MembershipChecks::seen_of(Host const& host) {
  if (seen_.size() <= host.index()) seen_.resize(host.index() + 1);
  Seen& seen = seen_[host.index()];
  if (seen.run == host.run()) return seen;
  // A new process: what it knows of itself, it says of itself.
  seen = Seen{.run = host.run()};
  for (MemberView const& member : host.view().members) note_own(member);
  return seen;
}

void MembershipChecks::worked(Host const& host) {
  Seen& seen = seen_of(host);
  for (MemberView const& member : host.core().changed_members()) check(host, member, seen);
}

void MembershipChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    Seen& seen = seen_of(*sight.host);
    for (MemberView const& member : sight.view.members) check(*sight.host, member, seen);
    if (!std::ranges::is_sorted(sight.view.members, {},
                                [](MemberView const& member) { return member.alive.id; })) {
      around_.violated(name_of(*sight.host) + ": members are not in order");
    }
  }
}

void MembershipChecks::check(Host const& host, MemberView const& member, Seen& seen) {
  note_own(member);
  check_order(host, member, seen);
  check_raised(host, member);
}

// Whoever meets its namesake ends, if it is the older one.
void MembershipChecks::check_twins() {
  auto const before = std::exchange(twins_, {});
  for (NodeId const id : around_.cloned) {
    std::vector<Host const*> same;
    for (auto const& host : around_.hosts) {
      // Who is paused hears nobody, and who knows nobody hears of nobody.
      bool const listens = host->is_up() && !host->is_paused() && host->id() == id;
      if (listens && host->view().members.size() > 1) same.push_back(host.get());
    }
    for (std::size_t i = 0; i < same.size(); ++i) {
      for (std::size_t j = i + 1; j < same.size(); ++j) check_twins(*same[i], *same[j], before);
    }
  }
}

void MembershipChecks::check_twins(Host const& a, Host const& b, TwinsByHosts const& before) {
  if (!around_.network->connects(a.index(), b.index())) return;
  Duration const patience = push_pull_period_of(around_.scenario) + std::chrono::seconds{2};
  Instant const now = around_.agenda.now();
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

void MembershipChecks::note_own(MemberView const& member) {
  if (!member.self) return;
  Announced& before = announced_[member.alive.id];
  before = std::max(before, Announced{member.alive.epoch, member.alive.incarnation});
}

void MembershipChecks::check_order(Host const& host, MemberView const& member, Seen& seen) {
  NewsKey const now = key_of(member);
  NewsKey& before = seen.news[member.alive.id];  // at first, before everything
  if (now < before) {
    bool const revived = !is_live(before.rank) && is_live(now.rank);
    around_.violated(revived ? Invariant::no_resurrection : Invariant::news_never_goes_back,
                     name_of(host) + ": " + to_string(member.alive.id) + " went from " +
                         text_of(before) + " to " + text_of(now));
  }
  before = now;
}

void MembershipChecks::check_raised(Host const& host, MemberView const& member) {
  Announced const* const own = announced_.find(member.alive.id);
  Announced const told{member.alive.epoch, member.alive.incarnation};
  if (own != nullptr && told <= *own) return;
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
