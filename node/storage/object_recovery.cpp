#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "node/failpoint.hpp"
#include "node/storage/object_listing.hpp"
#include "node/storage/object_store_state.hpp"

// What a start makes of what the last run left on the disk. Done again, after whatever crash, it
// comes to the same end.
namespace chisme::node {

namespace fs = std::filesystem;

Result<void> ObjectStore::State::prepare(ObjectRecovery recovery) {
  for (fs::path const& directory : {objects, staging}) {
    if (auto made = make_directories(directory); !made) return made;
  }
  if (auto opened = quarantine.open(); !opened) return opened;
  if (auto emptied = empty_staging(); !emptied) return emptied;
  auto const listing = recovery.listing ? std::move(*recovery.listing) : list_objects(objects);
  if (!listing) return tl::unexpected<Error>(listing.error());
  for (ListedDirectory const& listed : *listing) {
    if (auto loaded = load(listed, recovery.was_synced); !loaded) return loaded;
  }
  FAILPOINT("recovery.objects_read");
  return sync_directory(objects);
}

Result<void> ObjectStore::State::empty_staging() {
  std::error_code code;
  for (fs::directory_iterator at(staging, code); !code && at != fs::directory_iterator{};
       at.increment(code)) {
    FAILPOINT("recovery.emptying_staging");
    fs::remove_all(at->path(), code);
    if (code) break;
  }
  if (!code) return {};
  return tl::unexpected<Error>(system_failure(code.value(), "emptying " + staging.string()));
}

// A directory is synced before its objects count: a process may have been killed between a rename
// and its sync. An object of another size than its name says goes to quarantine.
Result<void> ObjectStore::State::load(ListedDirectory const& listed, WasSynced const& was_synced) {
  bool const all_synced = was_synced && std::ranges::all_of(listed.objects, [&](auto const& one) {
                            return was_synced(one.named.digest);
                          });
  if (!all_synced) {
    if (auto synced = sync_directory(listed.path); !synced) return synced;
  }
  for (auto const& [object, bytes] : listed.objects) {
    FAILPOINT("recovery.object_found");
    if (bytes == object.size.value()) {
      remember(object);
    } else if (auto moved = set_aside(object); !moved) {
      return moved;
    }
  }
  return remove_orphans(listed);
}

// Hashes whose object is not there: a crash came between the two. They promise nothing, so that
// their removal needs no sync.
Result<void> ObjectStore::State::remove_orphans(ListedDirectory const& listed) const {
  for (Digest const& digest : listed.chunk_files) {
    if (find(digest)) continue;
    FAILPOINT("recovery.orphan_found");
    fs::path const path = chunks_of(listed.path / to_hex(digest));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("removing", path);
  }
  return {};
}

}  // namespace chisme::node
