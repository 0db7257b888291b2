#include "tests/simulation/catalogue_checks.hpp"

#include <algorithm>

#include "cluster/catalogue/name_record.hpp"
#include "cluster/membership/member_table.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

// A node of an older version keeps what the others forget together: tombstones, and what nodes
// held that are members no more.
bool all_know_horizons(std::span<Sight const> sights) {
  return std::ranges::all_of(sights, [](Sight const& sight) {
    return sight.host->config().versions.highest >= minimum_version<HorizonNotice>;
  });
}

std::vector<CatalogueRecord const*> newest_of(CatalogueSnapshot const& catalogue) {
  std::vector<CatalogueRecord const*> records;
  catalogue.walk_newest([&](CatalogueRecord const& record) { records.push_back(&record); });
  return records;
}

// Without tombstones, which each node forgets in its own time.
std::vector<CatalogueRecord> puts_of(CatalogueSnapshot const& catalogue) {
  std::vector<CatalogueRecord> records = catalogue.newest_changes();
  std::erase_if(records, is_tombstone);
  return records;
}

// What nodes have to agree on, of one name.
std::string text_of(CatalogueRecord const& record, CatalogueSnapshot const& catalogue) {
  std::string text = cluster::name_of(record) + " " + to_string(version_of(record));
  auto const* const put = std::get_if<PutRecord>(&record.change);
  if (put == nullptr) return text + " removed";
  text += " " + to_hex(put->digest) + " on";
  for (NodeId const holder : catalogue.holders(put->digest)) text += " " + to_string(holder);
  return text;
}

// What `text_of` says of both is the same.
bool agree(CatalogueRecord const& a, CatalogueRecord const& b) {
  auto const* const put_a = std::get_if<PutRecord>(&a.change);
  auto const* const put_b = std::get_if<PutRecord>(&b.change);
  if (cluster::name_of(a) != cluster::name_of(b) || version_of(a) != version_of(b)) return false;
  if (put_a == nullptr || put_b == nullptr) return put_a == put_b;
  return put_a->digest == put_b->digest;
}

std::vector<NodeId> holders_at(Sight const& sight, Digest const& digest, bool with_gone) {
  std::vector<NodeId> holders = sight.view.catalogue.holders(digest);
  std::erase_if(holders, [&](NodeId holder) {
    auto const& members = sight.view.members;
    return !with_gone && std::ranges::none_of(members, [&](MemberView const& member) {
      return member.alive.id == holder && is_live(member.state);
    });
  });
  return holders;
}

std::string difference(Sight const& a, Sight const& b, bool with_forgotten) {
  std::vector<CatalogueRecord const*> names_a = newest_of(a.view.catalogue);
  std::vector<CatalogueRecord const*> names_b = newest_of(b.view.catalogue);
  if (!with_forgotten) {
    for (auto* const names : {&names_a, &names_b}) {
      std::erase_if(*names, [](CatalogueRecord const* one) { return is_tombstone(*one); });
    }
  }
  auto const line = [](auto const& names, std::size_t i, CatalogueSnapshot const& catalogue) {
    return i < names.size() ? text_of(*names[i], catalogue) : "nothing";
  };
  for (std::size_t i = 0; i < std::max(names_a.size(), names_b.size()); ++i) {
    bool const both = i < names_a.size() && i < names_b.size() && agree(*names_a[i], *names_b[i]);
    auto const* const put = both ? std::get_if<PutRecord>(&names_a[i]->change) : nullptr;
    bool const same = both && (put == nullptr || holders_at(a, put->digest, with_forgotten) ==
                                                     holders_at(b, put->digest, with_forgotten));
    if (same) continue;
    return line(names_a, i, a.view.catalogue) + " | " + line(names_b, i, b.view.catalogue);
  }
  return {};
}

}  // namespace

void CatalogueChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    Seen& seen = seen_[sight.host->index()];
    if (seen.run != sight.host->run()) {
      seen = Seen{};
      seen.run = sight.host->run();
    }
    std::vector<CatalogueRecord const*> const records = newest_of(sight.view.catalogue);
    // Both are in order of name: what is where it was is the same record, and was looked at.
    auto before = seen.records.begin();
    for (CatalogueRecord const* const record : records) {
      while (before != seen.records.end() && *before != record &&
             cluster::name_of(**before) <= cluster::name_of(*record)) {
        ++before;
      }
      bool const is_old = before != seen.records.end() && *before == record;
      if (!is_old) look(*sight.host, *record, seen);
      if (is_old) ++before;
    }
    seen.records = records;
    seen.catalogue = sight.view.catalogue;
  }
}

void CatalogueChecks::look(Host const& host, CatalogueRecord const& record, Seen& seen) {
  std::string const& name = cluster::name_of(record);
  auto const* const put = std::get_if<PutRecord>(&record.change);
  Newest const now{version_of(record), put == nullptr};
  if (now.removed) {
    removals_.try_emplace({name, now.version},
                          Workload::Removal{host.index(), around_.agenda.now()});
  }
  auto const [entry, is_new] = seen.names.try_emplace(name, now);
  Newest& before = entry->second;
  bool const moved = is_new || before.version != now.version;
  if (begins_anew(record, before)) {
    before = now;
  } else if (before.removed && !now.removed && now.version <= before.version) {
    around_.violated(Invariant::removed_stays_removed,
                     name_of(host) + ": " + name + " returned after its removal");
  } else if (now.version < before.version) {
    around_.violated(Invariant::versions_never_decrease,
                     name_of(host) + ": " + name + " went back");
  }
  before = now;
  if (moved && put != nullptr && workload_.was_refused(name, put->digest)) {
    around_.violated(Invariant::refused_stays_invisible,
                     name_of(host) + " shows a write of " + name + " that was refused");
  }
}

// A node that was away while the name was removed forgets what it had without seeing the removal.
// And of nodes that have never met the remover, it could not wait for any.
bool CatalogueChecks::begins_anew(CatalogueRecord const& record, Newest const& before) const {
  std::string const& name = cluster::name_of(record);
  auto removal = removals_.lower_bound({name, before.version});
  for (; removal != removals_.end() && removal->first.first == name; ++removal) {
    if (workload_.is_apart(record, removal->second)) return true;
  }
  return false;
}

std::optional<Violation> different_names(std::span<Sight const> sights) {
  if (sights.empty()) return std::nullopt;
  std::vector<CatalogueRecord> const first = puts_of(sights.front().view.catalogue);
  for (Sight const& sight : sights) {
    if (first == puts_of(sight.view.catalogue)) continue;
    return Violation{
        Invariant::catalogues_agree,
        {},
        name_of(*sights.front().host) + " and " + name_of(*sight.host) + " know different names"};
  }
  return std::nullopt;
}

std::optional<Violation> different_catalogues(std::span<Sight const> sights) {
  bool const with_forgotten = all_know_horizons(sights);
  for (Sight const& sight : sights) {
    std::string const differs = difference(sights.front(), sight, with_forgotten);
    if (differs.empty()) continue;
    return Violation{
        Invariant::catalogues_agree,
        {},
        name_of(*sights.front().host) + " and " + name_of(*sight.host) + " differ: " + differs};
  }
  return std::nullopt;
}

}  // namespace chisme::simulation
