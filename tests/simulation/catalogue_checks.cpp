#include "tests/simulation/catalogue_checks.hpp"

#include <algorithm>

#include "cluster/catalogue/name_record.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

// What nodes have to agree on, of one name.
std::string text_of(CatalogueRecord const& record, CatalogueSnapshot const& catalogue) {
  std::string text = cluster::name_of(record) + " " + to_string(version_of(record));
  auto const* const put = std::get_if<PutRecord>(&record.change);
  if (put == nullptr) return text + " removed";
  text += " " + to_hex(put->digest) + " on";
  for (NodeId const holder : catalogue.holders(put->digest)) text += " " + to_string(holder);
  return text;
}

std::string difference(Sight const& a, Sight const& b) {
  std::vector<CatalogueRecord> const names_a = a.view.catalogue.newest_changes();
  std::vector<CatalogueRecord> const names_b = b.view.catalogue.newest_changes();
  for (std::size_t i = 0; i < std::max(names_a.size(), names_b.size()); ++i) {
    std::string const line_a =
        i < names_a.size() ? text_of(names_a[i], a.view.catalogue) : "nothing";
    std::string const line_b =
        i < names_b.size() ? text_of(names_b[i], b.view.catalogue) : "nothing";
    if (line_a != line_b) return line_a + " | " + line_b;
  }
  return {};
}

}  // namespace

void CatalogueChecks::look(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    Seen& seen = seen_[sight.host->index()];
    if (seen.run != sight.host->run()) seen = Seen{.run = sight.host->run()};
    for (CatalogueRecord const& record : sight.view.catalogue.newest_changes()) {
      look(*sight.host, record, seen);
    }
  }
}

void CatalogueChecks::look(Host const& host, CatalogueRecord const& record, Seen& seen) {
  std::string const& name = cluster::name_of(record);
  auto const* const put = std::get_if<PutRecord>(&record.change);
  Newest const now{version_of(record), put == nullptr};
  if (now.removed) removals_.try_emplace({name, now.version}, around_.agenda.now());
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

bool CatalogueChecks::begins_anew(CatalogueRecord const& record, Newest const& before) const {
  if (!before.removed) return false;
  Instant const shown = removals_.at({cluster::name_of(record), before.version});
  return workload_.was_asked_since(record, shown + Workload::forgotten_after);
}

std::optional<Violation> different_catalogues(std::span<Sight const> sights) {
  for (Sight const& sight : sights) {
    std::string const differs = difference(sights.front(), sight);
    if (differs.empty()) continue;
    return Violation{
        Invariant::catalogues_agree,
        {},
        name_of(*sights.front().host) + " and " + name_of(*sight.host) + " differ: " + differs};
  }
  return std::nullopt;
}

}  // namespace chisme::simulation
