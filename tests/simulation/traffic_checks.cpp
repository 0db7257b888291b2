#include "tests/simulation/traffic_checks.hpp"

#include <algorithm>
#include <utility>

#include "cluster/membership/traffic.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

using namespace std::chrono_literals;

// Bytes per second of one node. When much happens at once, tables of all members are exchanged, and
// whole catalogues (which come on top); when nothing does, what is sent does not grow with the
// cluster beyond a few members.
std::uint64_t busy_budget(std::uint64_t nodes) {
  return 60'000 + 900 * nodes;
}
std::uint64_t idle_budget(std::uint64_t nodes) {
  return 12'000 + 900 * std::min<std::uint64_t>(nodes, 20);
}

constexpr std::uint64_t table_bytes = 90;  // a member's, in a table that is told whole
constexpr std::uint64_t file_bytes = 354;  // of a file's records, with three copies

std::uint64_t rate(std::uint64_t bytes, Duration span) {
  return bytes * 1000 / static_cast<std::uint64_t>(std::max<Duration>(span, 1ms) / 1ms);
}

// The design's goal is 300 bytes a second and node, at any N, for a probe period of 500 ms: nearly
// all of it are probes, so that it goes with them. What comes on top are push-pulls, of which few
// or many fall into a few seconds.
std::uint64_t membership_budget(Profile const& profile, Duration span) {
  constexpr std::uint64_t goal = 330;
  constexpr std::uint64_t push_pulls = 1500;  // bytes
  return goal * 500 / static_cast<std::uint64_t>(profile.probe_period / 1ms) +
         rate(push_pulls, span);
}

}  // namespace

void TrafficChecks::sends(Host const& host, Message const& message, std::size_t bytes) {
  in_window_.resize(around_.hosts.size());
  in_idleness_.resize(around_.hosts.size());
  in_window_[host.index()] += bytes;
  in_idleness_[host.index()] += bytes;
  if (is_idle_) of_membership_ += shares_of(message, bytes).membership;
}

void TrafficChecks::look() {
  Instant const now = around_.agenda.now();
  if (now - window_began_ < window || in_window_.empty()) return;
  auto const most = std::ranges::max_element(in_window_);
  std::uint64_t const each_second = rate(*most, now - window_began_);
  busiest_ = std::max(busiest_, each_second);
  std::uint64_t const nodes = around_.hosts.size();
  // At this moment all of them may be down.
  std::uint64_t const before = std::exchange(catalogue_bytes_, catalogue_bytes());
  std::uint64_t const whole = std::max(before, catalogue_bytes_);
  std::uint64_t const told = rate(nodes * whole, now - window_began_);
  if (each_second > busy_budget(nodes) + told) {
    around_.violated(Invariant::traffic_within_budget,
                     "node " + std::to_string(most - in_window_.begin()) + " sends " +
                         std::to_string(each_second) + " bytes a second");
  }
  window_began_ = now;
  std::ranges::fill(in_window_, 0);
}

void TrafficChecks::idle_begins() {
  idle_began_ = around_.agenda.now();
  is_idle_ = true;
  of_membership_ = 0;
  std::ranges::fill(in_idleness_, 0);
}

void TrafficChecks::idle_ends() {
  is_idle_ = false;
  if (in_idleness_.empty()) return;
  check_membership();
  auto const most = std::ranges::max_element(in_idleness_);
  idle_ = rate(*most, around_.agenda.now() - idle_began_);
  if (idle_ <= idle_budget(around_.hosts.size()) + tables_told() + audits()) return;
  around_.violated(Invariant::idle_traffic_normal,
                   "node " + std::to_string(most - in_idleness_.begin()) + " sends " +
                       std::to_string(idle_) + " bytes a second although nothing happens");
}

// To a node that knows no digests of tables the others tell whole ones: perhaps two just now.
std::uint64_t TrafficChecks::tables_told() const {
  if (!has_old_node()) return 0;
  return rate(2 * table_bytes * around_.hosts.size(), around_.agenda.now() - idle_began_);
}

// What it keeps, and the others have forgotten, each of them searches for in all that it has: two
// or three times, before that becomes rare.
std::uint64_t TrafficChecks::audits() const {
  if (!has_old_node()) return 0;
  return rate(3 * catalogue_bytes() * around_.hosts.size(), around_.agenda.now() - idle_began_);
}

// Of the largest.
std::uint64_t TrafficChecks::catalogue_bytes() const {
  std::uint64_t objects = 0;
  for (Sight const& sight : sights_of(around_)) {
    objects = std::max<std::uint64_t>(objects, sight.view.catalogue.objects());
  }
  return file_bytes * objects;
}

bool TrafficChecks::has_old_node() const {
  return std::ranges::any_of(around_.hosts, [](auto const& host) {
    return host->config().versions.highest < minimum_version<MembersDigest>;
  });
}

void TrafficChecks::check_membership() const {
  Duration const span = around_.agenda.now() - idle_began_;
  std::uint64_t const each = rate(of_membership_ / around_.hosts.size(), span);
  if (each <= membership_budget(profile_of(around_.scenario), span) + tables_told()) return;
  around_.violated(Invariant::idle_traffic_normal,
                   "membership sends " + std::to_string(each) +
                       " bytes a second at each node although nothing happens");
}

}  // namespace chisme::simulation
