#include "tests/simulation/watcher.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::string name_of(Host const& host) {
  return "node " + std::to_string(host.index());
}

std::vector<Host const*> hosts_up(Surroundings const& around) {
  std::vector<Host const*> up;
  for (auto const& host : around.hosts) {
    if (host->is_up()) up.push_back(host.get());
  }
  return up;
}

std::string wrong_members(Host const& host, ClusterView const& view, std::set<NodeId> const& live) {
  std::set<NodeId> alive;
  for (MemberView const& member : view.members) {
    if (member.state == MemberState::alive) alive.insert(member.alive.id);
    if (member.state == MemberState::suspect) return name_of(host) + " suspects a member";
  }
  if (alive == live) return {};
  return name_of(host) + " sees " + std::to_string(alive.size()) + " of " +
         std::to_string(live.size()) + " members";
}

// One line per file: what nodes have to agree on.
std::string text_of(FileEntry const& file) {
  std::string text =
      file.put.name + " " + to_string(file.put.version) + " " + to_hex(file.put.digest) + " on";
  for (NodeId const holder : file.holders) text += " " + to_string(holder);
  return text;
}

std::string different_catalogues(Host const& a, ClusterView const& view_a, Host const& b,
                                 ClusterView const& view_b) {
  std::vector<FileEntry> const files_a = view_a.catalogue.list("", "", no_limit);
  std::vector<FileEntry> const files_b = view_b.catalogue.list("", "", no_limit);
  for (std::size_t i = 0; i < std::max(files_a.size(), files_b.size()); ++i) {
    std::string const line_a = i < files_a.size() ? text_of(files_a[i]) : "nothing";
    std::string const line_b = i < files_b.size() ? text_of(files_b[i]) : "nothing";
    if (line_a == line_b) continue;
    return name_of(a) + " and " + name_of(b) + " differ: " + line_a + " | " + line_b;
  }
  return {};
}

std::string wrong_copies(std::vector<Host const*> const& up, FileEntry const& file, unsigned wanted,
                         bool owed) {
  std::size_t copies = 0;
  for (Host const* const host : up) {
    bool const holds = host->disk().holds(file.put.digest);
    bool const said =
        std::find(file.holders.begin(), file.holders.end(), host->id()) != file.holders.end();
    if (holds != said) return name_of(*host) + " is wrong about its copy of " + file.put.name;
    if (holds) ++copies;
  }
  if (copies == 0 && !owed) return {};  // all disks that had it are gone
  if (copies >= std::min<std::size_t>(wanted, up.size())) return {};
  return file.put.name + " has " + std::to_string(copies) + " copies";
}

}  // namespace

std::string disagreement(Surroundings const& around, Workload const& workload) {
  std::vector<Host const*> const up = hosts_up(around);
  std::set<NodeId> live;
  for (Host const* const host : up) live.insert(host->id());
  std::vector<ClusterView> views;
  for (Host const* const host : up) {
    views.push_back(host->view());
    ClusterView const& view = views.back();
    if (auto wrong = wrong_members(*host, view, live); !wrong.empty()) return wrong;
    if (!view.in_touch) return name_of(*host) + " is out of touch";
    if (view.repairs_pending > 0) return name_of(*host) + " has repairs pending";
    auto differs = different_catalogues(*up.front(), views.front(), *host, view);
    if (!differs.empty()) return differs;
  }
  if (views.empty()) return {};
  for (FileEntry const& file : views.front().catalogue.list("", "", no_limit)) {
    bool const owed = workload.is_owed(file.put.name, file.put.digest);
    auto wrong = wrong_copies(up, file, views.front().copies_wanted, owed);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

void Watcher::look() {
  for (auto const& host : around_.hosts) {
    if (host->is_up()) look(*host, seen_[host->index()]);
  }
}

void Watcher::look(Host const& host, Seen& seen) {
  if (seen.run != host.run()) seen = Seen{host.run(), {}, {}};
  ClusterView const view = host.view();
  for (MemberView const& member : view.members) {
    std::tuple const now{member.alive.epoch, member.alive.incarnation};
    auto& before = seen.members.try_emplace(member.alive.id, now).first->second;
    if (now < before) around_.violated(name_of(host) + ": news of a member went back");
    before = now;
  }
  if (!std::is_sorted(view.members.begin(), view.members.end(),
                      [](auto const& a, auto const& b) { return a.alive.id < b.alive.id; })) {
    around_.violated(name_of(host) + ": members are not in order");
  }
  look_at_names(host, view, seen);
}

void Watcher::look_at_names(Host const& host, ClusterView const& view, Seen& seen) {
  std::set<std::string> present;
  for (FileEntry const& file : view.catalogue.list("", "", no_limit)) {
    std::string const& name = file.put.name;
    present.insert(name);
    auto const [entry, is_new] = seen.names.try_emplace(name, file.put.version, true);
    auto& [version, was_there] = entry->second;
    if (file.put.version < version) around_.violated(name_of(host) + ": " + name + " went back");
    if (!was_there && file.put.version == version) {
      around_.violated(name_of(host) + ": " + name + " returned after its removal");
    }
    version = file.put.version;
    was_there = true;
  }
  for (auto& [name, state] : seen.names) {
    if (!present.contains(name)) state.second = false;
  }
}

}  // namespace chisme::simulation
