#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "web/gateway.hpp"

// What a collection has in it, as this node's own catalogue tells.
namespace chisme::web::dav {

// Of one collection: more cannot be told in one answer.
inline constexpr std::size_t children_max = 10'000;
// Of a whole tree, files and made collections: more is not copied, moved or deleted by one request.
inline constexpr std::size_t tree_max = 10'000;

struct Child {
  std::string name;  // the whole one
  bool is_collection = false;
  FileInfo file;  // of a file; of a made collection its marker; else empty
};
// The direct children, by name. A name that is both, a file and the beginning of others, comes
// twice. Skips over what is deeper, so it costs as much as there are children. Fault::no_space:
// there are more than `children_max`.
[[nodiscard]] Result<std::vector<Child>> children_of(Gateway& gateway, std::string_view collection);

// Whether this node knows of a file of that name, wherever its copies are.
[[nodiscard]] bool is_known(Gateway& gateway, std::string_view name);
// Whether anything is below the name.
[[nodiscard]] bool has_members(Gateway& gateway, std::string_view collection);
// Whether it is a collection: the root, or was made, or has members.
[[nodiscard]] bool is_collection(Gateway& gateway, std::string_view name);

struct Tree {
  std::vector<FileInfo> files;           // below the collection
  std::vector<std::string> collections;  // that were made: it, and those below it
  std::vector<std::string> described;    // what has dead properties: it, and what is below it
};
// Fault::no_space: there is more than `tree_max`.
[[nodiscard]] Result<Tree> tree_of(Gateway& gateway, std::string_view collection);

}  // namespace chisme::web::dav
