#include "cluster/catalogue/snapshot.hpp"

#include <algorithm>

namespace chisme::cluster {

std::optional<FileEntry> CatalogueSnapshot::find(std::string_view name) const {
  CatalogueRecord const* const newest = names_.find(name);
  if (newest == nullptr) return std::nullopt;
  auto const* const put = std::get_if<PutRecord>(&newest->change);
  if (put == nullptr) return std::nullopt;
  return FileEntry{*put, holders(put->digest)};
}

std::vector<FileEntry> CatalogueSnapshot::list(std::string_view prefix, std::string_view after,
                                               std::size_t limit) const {
  std::vector<FileEntry> files;
  if (limit == 0) return files;
  names_.walk_from(std::max(prefix, after), [&](CatalogueRecord const& newest) {
    std::string const& name = name_of(newest);
    // Names with a prefix are neighbours: after the first that lacks it, none has it.
    if (!name.starts_with(prefix)) return name < prefix;
    auto const* const put = std::get_if<PutRecord>(&newest.change);
    bool const listed = put != nullptr && (after.empty() || name > after);
    if (listed) files.push_back({*put, holders(put->digest)});
    return files.size() < limit;
  });
  return files;
}

std::vector<NodeId> CatalogueSnapshot::holders(Digest const& digest) const {
  std::vector<NodeId> holders;
  HeldObject const* const found = objects_.find(digest);
  if (found == nullptr) return holders;
  holders.reserve(found->holdings.size());
  for (Holding const& holding : found->holdings) {
    if (holding.has) holders.push_back(holding.holder);
  }
  return holders;
}

std::vector<CatalogueRecord> CatalogueSnapshot::newest_changes() const {
  std::vector<CatalogueRecord> changes;
  walk_newest([&](CatalogueRecord const& newest) { changes.push_back(newest); });
  return changes;
}

}  // namespace chisme::cluster
