#include "web/dav/children.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "web/dav/paths.hpp"
#include "web/names.hpp"

namespace chisme::web::dav {
namespace {

constexpr std::size_t listed_at_once = 512;
constexpr char behind_all[] = "\xff";  // no name in UTF-8 has it

// By name and whether it is a collection.
using Found = std::map<std::pair<std::string, bool>, Child>;

Error too_many(std::size_t most) {
  return {Fault::no_space, "there is more in that folder than the " + std::to_string(most) +
                               " entries that can be dealt with in one request; use /files"};
}

// Adds the children whose names are in the list behind `prefix`; with `made`, each stands for a
// collection. Pages grow while there are files, and are short where whole subtrees are skipped.
bool add_children(Gateway& gateway, std::string const& prefix, std::string_view collection,
                  bool made, Found& found) {
  std::string const listed = prefix + inside(collection);
  std::string after = listed.empty() ? std::string{behind_internal} : listed;
  std::size_t limit = 2;
  while (found.size() <= children_max) {
    Listing const page = gateway.list(listed, after, limit);
    bool skips = false;
    for (FileInfo const& file : page.files) {
      std::string_view const rest = std::string_view{file.name}.substr(listed.size());
      std::size_t const slash = rest.find('/');
      std::string child = inside(collection) + std::string{rest.substr(0, slash)};
      if (slash != std::string_view::npos) {
        found.try_emplace({child, true}, Child{child, true, {}});
        after = listed + std::string{rest.substr(0, slash)} + "/" + behind_all;
        skips = true;
        break;
      }
      found.insert_or_assign({child, made}, Child{child, made, file});
      after = file.name;
    }
    if (!skips && !page.next) return true;
    limit = skips ? 2 : std::min(2 * limit, listed_at_once);
  }
  return false;
}

bool collect(Gateway& gateway, std::string const& prefix, std::size_t room,
             std::vector<FileInfo>& files) {
  std::optional<std::string> after = prefix.empty() ? std::string{behind_internal} : prefix;
  while (after) {
    Listing page = gateway.list(prefix, *after, listed_at_once);
    std::ranges::move(page.files, std::back_inserter(files));
    if (files.size() > room) return false;
    after = std::move(page.next);
  }
  return true;
}

// The names of what is kept of a collection and of all below it.
bool collect_kept(Gateway& gateway, std::string const& prefix, std::string_view collection,
                  std::vector<std::string>& names) {
  std::vector<FileInfo> files;
  if (!collect(gateway, prefix + inside(collection), tree_max, files)) return false;
  if (is_known(gateway, prefix + std::string{collection})) names.emplace_back(collection);
  for (FileInfo const& file : files) {
    if (file.name.size() > prefix.size()) names.push_back(file.name.substr(prefix.size()));
  }
  return true;
}

}  // namespace

Result<std::vector<Child>> children_of(Gateway& gateway, std::string_view collection) {
  Found found;
  bool const whole = add_children(gateway, "", collection, false, found) &&
                     add_children(gateway, marker_name(""), collection, true, found);
  if (!whole) return tl::unexpected(too_many(children_max));
  std::vector<Child> children;
  for (auto& [name, child] : found) children.push_back(std::move(child));
  return children;
}

bool is_known(Gateway& gateway, std::string_view name) {
  return !gateway.lookup(name).file.name.empty();
}

bool is_collection(Gateway& gateway, std::string_view name) {
  return name.empty() || has_members(gateway, name) || is_known(gateway, marker_name(name));
}

bool has_members(Gateway& gateway, std::string_view collection) {
  std::string const prefix = inside(collection);
  std::string const after = prefix.empty() ? std::string{behind_internal} : prefix;
  return !gateway.list(prefix, after, 1).files.empty() ||
         !gateway.list(marker_name(prefix), marker_name(prefix), 1).files.empty();
}

Result<Tree> tree_of(Gateway& gateway, std::string_view collection) {
  Tree tree;
  bool const whole = collect(gateway, inside(collection), tree_max, tree.files) &&
                     collect_kept(gateway, marker_name(""), collection, tree.collections) &&
                     collect_kept(gateway, properties_name(""), collection, tree.described);
  if (!whole || tree.files.size() + tree.collections.size() > tree_max) {
    return tl::unexpected(too_many(tree_max));
  }
  return tree;
}

}  // namespace chisme::web::dav
