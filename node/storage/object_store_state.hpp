#pragma once

#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/storage/chunk_hashes.hpp"
#include "node/storage/object_store.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/quota.hpp"
#include "node/storage/sha256.hpp"
#include "node/storage/verdict_table.hpp"

// What object_store.cpp and object_recovery.cpp share of the object store's insides.
namespace chisme::node {

struct StagingFile::State {
  State(std::shared_ptr<Quota> quota, Quarantine const& its_quarantine)
      : claim(std::move(quota)), quarantine(its_quarantine) {}

  [[nodiscard]] Result<void> find_room(std::size_t bytes);

  QuotaClaim claim;
  Quarantine const& quarantine;
  std::filesystem::path path;
  Descriptor file;
  Sha256 hasher;
  ChunkHasher chunks;
  std::uint64_t size = 0;
  std::uint64_t reserved = 0;
  std::optional<Digest> digest;
  bool failed = false;     // an append failed: the bytes on disk are not those that were hashed
  bool published = false;  // the name in staging is gone

  ~State() {
    if (published || path.empty()) return;
    ::unlink(path.c_str());
    if (has_chunk_file(ByteCount{size})) ::unlink(chunks_of(path).c_str());
  }
};

struct ObjectStore::State {
  struct Copy {
    ByteCount size;
    CopyNumber number;
  };

  State(std::filesystem::path const& data, Limits const& limits, std::shared_ptr<Fence> its_fence)
      : objects(data / "objects"),
        staging(data / "staging"),
        fence(std::move(its_fence)),
        quarantine(data / "quarantine", *fence, limits.quarantine),
        quota(std::make_shared<Quota>(limits.quota, limits.arriving)),
        descriptors(limits.descriptors) {}

  std::filesystem::path objects;
  std::filesystem::path staging;
  std::shared_ptr<Fence> fence;
  Quarantine quarantine;
  std::shared_ptr<Quota> quota;  // of objects and what is arriving; the quarantine counts itself
  int descriptors;
  std::atomic<std::uint64_t> next_staging{0};

  VerdictTable verdicts;

  std::atomic<bool> catalogue_full = false;

  // What is on disk, synced. Held only for a moment: web loops wait for it.
  mutable std::mutex mutex;
  std::map<Digest, Copy> copies;
  std::map<Digest, unsigned> unsettled;  // commits that the host has not settled
  std::uint64_t last_number = 0;

  // One change at a time of each of the 256 directories; held while the disk syncs.
  std::array<std::mutex, 256> changing;

  [[nodiscard]] std::filesystem::path directory_of(Digest const& digest) const {
    return objects / to_hex(digest).substr(0, 2);
  }
  [[nodiscard]] std::filesystem::path path_of(StoredObject const& object) const {
    return directory_of(object.digest) / file_name(object);
  }
  // Faults: io; busy (EMFILE) when too many are open, and then no new file is left.
  [[nodiscard]] Result<Descriptor> open_within_limit(std::filesystem::path const& path,
                                                     int flags) const;
  [[nodiscard]] std::optional<Copy> find(Digest const& digest) const {
    std::lock_guard const lock(mutex);
    auto const at = copies.find(digest);
    if (at == copies.end()) return std::nullopt;
    return at->second;
  }
  void remember(StoredObject const& object) {
    std::lock_guard const lock(mutex);
    list(object);
  }
  void remember_commit(StoredObject const& object) {
    std::lock_guard const lock(mutex);
    list(object);
    ++unsettled[object.digest];
  }
  // REQUIRES: `mutex` is held.
  void list(StoredObject const& object) {
    Copy const copy{object.size, CopyNumber{++last_number}};
    std::size_t const before = copies.size();
    copies.insert_or_assign(copies.end(), object.digest, copy);  // a start goes in order
    if (copies.size() > before) quota->add(object.size);
  }
  // False: another copy is there by now, or none.
  bool forget(Digest const& digest, CopyNumber number) {
    std::lock_guard const lock(mutex);
    auto const at = copies.find(digest);
    if (at == copies.end() || at->second.number != number) return false;
    quota->release(at->second.size);
    copies.erase(at);
    verdicts.forget(digest);
    return true;
  }
  [[nodiscard]] Result<void> sync(Descriptor const& file, std::filesystem::path const& path) const {
    return fence->guard(sync_file(file.number(), path));
  }
  [[nodiscard]] Result<Descriptor> open_directory_of(Digest const& digest);

  [[nodiscard]] Result<void> prepare(ObjectRecovery recovery);
  [[nodiscard]] Result<void> empty_staging();
  [[nodiscard]] Result<void> load(ListedDirectory const& listed, WasSynced const& was_synced);
  [[nodiscard]] Result<void> publish(StagingFile::State& staged, StoredObject const& object);
  [[nodiscard]] Result<void> write_chunks(std::filesystem::path const& path,
                                          ChunkHashes const& hashes);
  [[nodiscard]] Result<void> refresh_chunks(StoredObject const& object, ChunkHashes const& hashes);
  [[nodiscard]] Result<void> remove_orphans(ListedDirectory const& listed) const;
  [[nodiscard]] Result<void> set_aside(StoredObject const& object);
  [[nodiscard]] Result<void> unlink_copy(StoredObject const& object, CopyNumber number);
};

}  // namespace chisme::node
