#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "node/failpoint.hpp"
#include "node/storage/object_store_state.hpp"

// What is on the disk: names of files, and what a start makes of what the last run left. Done
// again, after whatever crash, it comes to the same end.
namespace chisme::node {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view chunks_suffix = ".chunks";

// The object whose hashes a file of this name holds.
std::optional<Digest> parse_chunks_name(std::string_view name) {
  if (!name.ends_with(chunks_suffix)) return std::nullopt;
  return parse_digest(name.substr(0, name.size() - chunks_suffix.size()));
}

// Errors of std::filesystem while walking through a directory.
tl::unexpected<Error> walk_failed(std::error_code code, fs::path const& path) {
  return tl::unexpected<Error>(
      system_failure(code.value(), "reading the directory " + path.string()));
}

Result<std::vector<fs::directory_entry>> entries_of(fs::path const& directory) {
  std::vector<fs::directory_entry> entries;
  std::error_code code;
  fs::directory_iterator at(directory, code);
  for (; !code && at != fs::directory_iterator{}; at.increment(code)) entries.push_back(*at);
  if (code) return walk_failed(code, directory);
  return entries;
}

}  // namespace

std::string file_name(StoredObject const& object) {
  return to_hex(object.digest) + "-" + std::to_string(object.size.value());
}

std::optional<StoredObject> parse_file_name(std::string_view name) {
  if (name.size() < 66 || name[64] != '-') return std::nullopt;
  auto const digest = parse_digest(name.substr(0, 64));
  std::uint64_t size = 0;
  auto const [end, fault] = std::from_chars(name.data() + 65, name.data() + name.size(), size);
  if (!digest || fault != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return StoredObject{*digest, ByteCount{size}};
}

fs::path chunks_of(fs::path const& object) {
  std::string const name = object.filename().string();
  return object.parent_path() / (name.substr(0, name.find('-')) + std::string(chunks_suffix));
}

Result<void> ObjectStore::State::prepare(WasSynced const& was_synced) {
  for (fs::path const& directory : {objects, staging}) {
    if (auto made = make_directories(directory); !made) return made;
  }
  if (auto opened = quarantine.open(); !opened) return opened;
  return empty_staging().and_then([&] { return load(was_synced); });
}

Result<void> ObjectStore::State::empty_staging() {
  auto entries = entries_of(staging);
  if (!entries) return tl::unexpected<Error>(entries.error());
  for (fs::directory_entry const& entry : *entries) {
    FAILPOINT("recovery.emptying_staging");
    std::error_code code;
    fs::remove_all(entry.path(), code);
    if (code) return walk_failed(code, entry.path());
  }
  return {};
}

Result<void> ObjectStore::State::load(WasSynced const& was_synced) {
  auto directories = entries_of(objects);
  if (!directories) return tl::unexpected<Error>(directories.error());
  for (fs::directory_entry const& directory : *directories) {
    if (!directory.is_directory()) continue;
    if (auto loaded = load(directory.path(), was_synced); !loaded) return loaded;
  }
  FAILPOINT("recovery.objects_read");
  return sync_directory(objects);
}

// A directory is synced before its objects count: a process may have been killed between a rename
// and its sync. An object of another size than its name says goes to quarantine.
Result<void> ObjectStore::State::load(fs::path const& directory, WasSynced const& was_synced) {
  auto files = entries_of(directory);
  if (!files) return tl::unexpected<Error>(files.error());
  std::vector<std::pair<StoredObject, fs::directory_entry const*>> found;
  for (fs::directory_entry const& file : *files) {
    if (auto const object = parse_file_name(file.path().filename().string())) {
      found.emplace_back(*object, &file);
    }
  }
  bool const all_synced = was_synced && std::ranges::all_of(found, [&](auto const& one) {
                            return was_synced(one.first.digest);
                          });
  if (!all_synced) {
    if (auto synced = sync_directory(directory); !synced) return synced;
  }
  for (auto const& [object, file] : found) {
    FAILPOINT("recovery.object_found");
    std::error_code code;
    if (file->file_size(code) == object.size.value() && !code) {
      remember(object);
    } else if (auto moved = set_aside(object); !moved) {
      return moved;
    }
  }
  return remove_orphans(*files);
}

// Hashes whose object is not there: a crash came between the two. They promise nothing, so that
// their removal needs no sync.
Result<void> ObjectStore::State::remove_orphans(
    std::vector<fs::directory_entry> const& files) const {
  for (fs::directory_entry const& file : files) {
    auto const digest = parse_chunks_name(file.path().filename().string());
    if (!digest || find(*digest)) continue;
    FAILPOINT("recovery.orphan_found");
    if (::unlink(file.path().c_str()) != 0 && errno != ENOENT) {
      return failed("removing", file.path());
    }
  }
  return {};
}

std::vector<StoredObject> ObjectStore::objects() const {
  std::lock_guard const lock(state_->mutex);
  std::vector<StoredObject> objects;
  for (auto const& [digest, copy] : state_->copies) objects.push_back({digest, copy.size});
  return objects;
}

}  // namespace chisme::node
