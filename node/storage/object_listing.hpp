#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"

// The names of files in DATA/objects: "<64 hex digits>-<size>" is an object, which says how long it
// was when it was synced, so that a truncated one is noticed without reading it; "<64 hex
// digits>.chunks" are the hashes of its chunks.
namespace chisme::node {

struct StoredObject {
  Digest digest;
  ByteCount size;
};

[[nodiscard]] std::string file_name(StoredObject const& object);
// nullopt: this is no object's name.
[[nodiscard]] std::optional<StoredObject> parse_file_name(std::string_view name);
// Where the hashes of the object at this path are.
[[nodiscard]] std::filesystem::path chunks_of(std::filesystem::path const& object);

// What is in one of the 256 directories of objects.
struct ListedDirectory {
  struct Object {
    StoredObject named;
    std::optional<std::uint64_t> bytes;  // that it has; nullopt: it is no file that can be read
  };
  std::filesystem::path path;
  std::vector<Object> objects;  // in order of digest
  std::vector<Digest> chunk_files;
};

// Those that there are, in order; none if `objects` is not there yet. Changes nothing, so that it
// can be done before it is known whether the node may start. Blocks on the disk: about a
// microsecond an object. Fault: io.
using ObjectListing = std::vector<ListedDirectory>;
[[nodiscard]] Result<ObjectListing> list_objects(std::filesystem::path const& objects);

}  // namespace chisme::node
