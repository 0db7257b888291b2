#include "tests/simulation/copies_checks.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "cluster/placement/rendezvous.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

bool is_file_of(CatalogueSnapshot const& catalogue, Digest const& digest) {
  bool found = false;
  catalogue.walk_newest([&](CatalogueRecord const& newest) {
    auto const* const put = std::get_if<PutRecord>(&newest.change);
    found = found || (put != nullptr && put->digest == digest);
  });
  return found;
}

std::string wrong_copies(std::span<Sight const> sights, FileEntry const& file, unsigned wanted,
                         bool owed) {
  std::size_t copies = 0;
  for (auto const& [host, view] : sights) {
    if (host->disk().holds(file.put.digest) && !has_whole_copy(*host, file.put.digest)) {
      return name_of(*host) + " has a corrupt copy of " + file.put.name;
    }
    bool const holds = host->disk().holds(file.put.digest);
    bool const said = std::ranges::count(file.holders, host->id()) > 0;
    if (holds != said) return name_of(*host) + " is wrong about its copy of " + file.put.name;
    if (holds) ++copies;
  }
  if (copies == 0 && !owed) return {};  // all disks that had it are gone
  if (copies >= std::min<std::size_t>(wanted, sights.size())) return {};
  return file.put.name + " has " + std::to_string(copies) + " copies";
}

std::vector<NodeId> holders_of(std::span<Sight const> sights, Digest const& digest) {
  std::vector<NodeId> holders;
  for (Sight const& sight : sights) {
    if (sight.host->disk().holds(digest)) holders.push_back(sight.host->id());
  }
  std::ranges::sort(holders);
  return holders;
}

// Whether the holder that comes last can and must do without its copy.
bool must_be_trimmed(std::uint64_t key, ClusterView const& view, std::vector<NodeId> holders) {
  std::vector<NodeId> ranked = rank_holders(key, view.members, holders);
  auto const is_old = [&](NodeId id) {
    return !understands<VerifyCopy>(find_member(view.members, id)->alive);
  };
  if (ranked.empty() || is_old(ranked.back())) return false;
  ranked.pop_back();
  std::erase_if(ranked, is_old);
  return ranked.size() >= view.copies_wanted;
}

bool is_claimed(std::span<Sight const> sights, std::vector<NodeId> const& holders) {
  return std::ranges::any_of(sights, [&](Sight const& sight) {
    return std::ranges::find(holders, sight.host->id()) != holders.end();
  });
}

// By object: the name that says where its copies belong.
std::map<Digest, std::string> placing_names(CatalogueSnapshot const& catalogue) {
  std::map<Digest, std::string> names;
  for (FileEntry const& file : catalogue.list("", "", no_limit)) {
    names.emplace(file.put.digest, file.put.name);  // the first of them
  }
  return names;
}

}  // namespace

void CopiesChecks::removes(Host const& host, Digest const& digest) {
  going_.emplace(host.index(), host.run(), digest);
  ClusterView const view = host.view();
  if (!is_file_of(view.catalogue, digest)) return;
  std::size_t others = lost_unseen(view, digest);
  for (auto const& other : around_.hosts) {
    if (counts(*other, digest)) ++others;
  }
  if (others >= view.copies_wanted) return;
  around_.violated(Invariant::no_removal_without_others,
                   name_of(host) + " removes its copy of " + to_hex(digest) + " while " +
                       std::to_string(others) + " others are whole");
}

void CopiesChecks::removed(Host const& host, Digest const& digest) {
  going_.erase({host.index(), host.run(), digest});
  verified_.erase({host.index(), host.run(), digest});
}

bool CopiesChecks::counts(Host const& host, Digest const& digest) const {
  std::tuple const copy{host.index(), host.run(), digest};
  if (going_.contains(copy)) return false;
  bool const rotted_since = host.disk().holds(digest) && verified_.contains(copy);
  return rotted_since || has_whole_copy(host, digest);
}

void CopiesChecks::loses_disk(Host const& host) {
  for (auto const& [index, run, digest] : verified_) {
    bool const was_read = index == host.index() && has_whole_copy(host, digest);
    if (was_read) lost_.emplace(digest, host.id());
  }
}

std::size_t CopiesChecks::lost_unseen(ClusterView const& view, Digest const& digest) const {
  return static_cast<std::size_t>(std::ranges::count_if(view.members, [&](MemberView const& one) {
    return one.state == MemberState::alive && lost_.contains({digest, one.alive.id});
  }));
}

void CopiesChecks::fetched(Host const& host, Host const& source, Digest const& digest) {
  verified_.erase({host.index(), host.run(), digest});
  if (has_whole_copy(host, digest)) return;
  around_.violated(Invariant::corrupt_is_no_source, name_of(host) + " copied " + to_hex(digest) +
                                                        " from " + name_of(source) +
                                                        ": these bytes are others");
}

std::optional<Violation> wrong_copies(std::span<Sight const> sights, Workload const& workload) {
  if (sights.empty()) return std::nullopt;
  ClusterView const& view = sights.front().view;
  for (FileEntry const& file : view.catalogue.list("", "", no_limit)) {
    bool const owed = workload.is_owed(file.put.name, file.put.digest);
    std::string const wrong = wrong_copies(sights, file, view.copies_wanted, owed);
    if (!wrong.empty()) return Violation{Invariant::copies_complete, {}, wrong};
  }
  return std::nullopt;
}

std::optional<Violation> surplus_copies(std::span<Sight const> sights, Workload const& workload) {
  if (sights.empty()) return std::nullopt;
  ClusterView const& view = sights.front().view;
  std::map<Digest, std::string> const names = placing_names(view.catalogue);
  for (Digest const& digest : workload.contents()) {
    std::vector<NodeId> const holders = holders_of(sights, digest);
    auto const name = names.find(digest);
    std::string wrong;
    if (name == names.end() && !holders.empty()) {
      wrong = " is kept by " + to_string(holders.front()) + " although it has no name";
    } else if (name == names.end() && is_claimed(sights, view.catalogue.holders(digest))) {
      wrong = " has no name and no copies, but a holder that is up";
    } else if (name != names.end() && must_be_trimmed(placement_key(name->second), view, holders)) {
      wrong = " has " + std::to_string(holders.size()) + " copies";
    }
    if (!wrong.empty()) return Violation{Invariant::copies_complete, {}, to_hex(digest) + wrong};
  }
  return std::nullopt;
}

}  // namespace chisme::simulation
