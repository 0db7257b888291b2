#include "tests/simulation/traffic_checks.hpp"

#include <algorithm>

namespace chisme::simulation {
namespace {

using namespace std::chrono_literals;

// Bytes per second of one node. When much happens at once, tables of all members are exchanged;
// when nothing does, what is sent does not grow with the cluster beyond a few members.
std::uint64_t busy_budget(std::uint64_t nodes) {
  return 60'000 + 900 * nodes;
}
std::uint64_t idle_budget(std::uint64_t nodes) {
  return 12'000 + 900 * std::min<std::uint64_t>(nodes, 20);
}

constexpr std::uint64_t table_bytes = 90;  // a member's, in a table that is told whole

std::uint64_t rate(std::uint64_t bytes, Duration span) {
  return bytes * 1000 / static_cast<std::uint64_t>(std::max<Duration>(span, 1ms) / 1ms);
}

}  // namespace

void TrafficChecks::sends(Host const& host, std::size_t bytes) {
  in_window_.resize(around_.hosts.size());
  in_idleness_.resize(around_.hosts.size());
  in_window_[host.index()] += bytes;
  in_idleness_[host.index()] += bytes;
}

void TrafficChecks::look() {
  Instant const now = around_.agenda.now();
  if (now - window_began_ < window || in_window_.empty()) return;
  auto const most = std::ranges::max_element(in_window_);
  std::uint64_t const each_second = rate(*most, now - window_began_);
  busiest_ = std::max(busiest_, each_second);
  if (each_second > busy_budget(around_.hosts.size())) {
    around_.violated(Invariant::traffic_within_budget,
                     "node " + std::to_string(most - in_window_.begin()) + " sends " +
                         std::to_string(each_second) + " bytes a second");
  }
  window_began_ = now;
  std::ranges::fill(in_window_, 0);
}

void TrafficChecks::idle_begins() {
  idle_began_ = around_.agenda.now();
  std::ranges::fill(in_idleness_, 0);
}

void TrafficChecks::idle_ends() {
  if (in_idleness_.empty()) return;
  auto const most = std::ranges::max_element(in_idleness_);
  idle_ = rate(*most, around_.agenda.now() - idle_began_);
  std::uint64_t budget = idle_budget(around_.hosts.size());
  // To a node that knows no digests of tables the others tell whole ones: perhaps two just now.
  bool const tells_tables = std::ranges::any_of(around_.hosts, [](auto const& host) {
    return host->config().versions.highest < cluster::spoken_versions.highest;
  });
  if (tells_tables)
    budget += rate(2 * table_bytes * around_.hosts.size(), around_.agenda.now() - idle_began_);
  if (idle_ <= budget) return;
  around_.violated(Invariant::idle_traffic_normal,
                   "node " + std::to_string(most - in_idleness_.begin()) + " sends " +
                       std::to_string(idle_) + " bytes a second although nothing happens");
}

}  // namespace chisme::simulation
