#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/descriptors.hpp"
#include "node/storage/chunk_hashes.hpp"
#include "node/storage/copy_check.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/object_listing.hpp"
#include "node/storage/quarantine.hpp"

namespace chisme::node {

class Descriptor;

// StagingFile is an object that is still arriving: a file in DATA/staging, hashed while written.
// Destroying it removes the file. One thread at a time; every call blocks on the disk.
class StagingFile {
 public:
  ~StagingFile();
  StagingFile(StagingFile&&) noexcept;
  StagingFile& operator=(StagingFile&&) noexcept;

  // Appends. Faults: no_space, io. After a failure only destruction makes sense.
  [[nodiscard]] Result<void> append(std::span<std::byte const> bytes);
  [[nodiscard]] ByteCount size() const;
  // The same file for reading, by any thread, what was appended. It stays good when the object is
  // committed, or removed. Fault: io.
  [[nodiscard]] Result<std::shared_ptr<Descriptor const>> reader() const;
  // The SHA-256 of what was appended so far; may be called once, after the last append.
  [[nodiscard]] Digest digest();

 private:
  friend class ObjectStore;
  struct State;
  explicit StagingFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A read-only descriptor of an object; closed with it. Whoever sends bytes of it asks `is_trusted`
// first, and `verify` if they are not (chunk_hashes.hpp). Thread-safe.
class ObjectFile {
 public:
  ObjectFile(int descriptor, ByteCount size, std::shared_ptr<ChunkVerdicts> verdicts)
      : descriptor_(descriptor), size_(size), verdicts_(std::move(verdicts)) {}
  ~ObjectFile();
  ObjectFile(ObjectFile const&) = delete;
  ObjectFile& operator=(ObjectFile const&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] ByteCount size() const { return size_; }
  [[nodiscard]] bool is_trusted(ByteOffset offset, ByteCount length) const;
  // Blocks on the disk. Fault: corrupt.
  [[nodiscard]] Result<void> verify(ByteOffset offset, ByteCount length) const;
  // There is nothing to verify it with; a check of the copy makes it.
  [[nodiscard]] bool lacks_hashes() const { return verdicts_->lacks_hashes(); }

 private:
  int descriptor_;
  ByteCount size_;
  std::shared_ptr<ChunkVerdicts> verdicts_;
};

// Whether the host knows that an object's name was synced by an earlier run.
using WasSynced = std::function<bool(Digest const&)>;

// What a start knows already.
struct ObjectRecovery {
  // A directory of which all objects were synced is not synced again.
  WasSynced was_synced = {};
  // What list_objects said of DATA/objects; nullopt: it is listed now.
  std::optional<Result<ObjectListing>> listing = std::nullopt;
};

// ObjectStore keeps immutable objects under DATA/objects/ab/abcdef…, named by their SHA-256.
//
// An object is visible only once its bytes, its name and its directory are synced. Opening the
// store empties DATA/staging: nothing there was promised to anybody.
//
// Beside an object of more than one chunk lies "….chunks" with the hashes of its chunks, synced
// before the object is visible. A check writes it again when it is missing or damaged.
//
// A sync that fails closes the fence: from then on objects are read, but neither taken nor removed
// (Fault: unavailable).
//
// Each commit makes a copy with a number of its own, which is unsettled until the host says that it
// knows of it (`settle`). Who removes an object names the copy that it decided about: the bytes of
// an upload that arrived since, and may have been acknowledged, stay.
//
// Thread-safe; calls block on the disk, but for `has`, `settle` and `settled_copy`.
class ObjectStore {
 public:
  struct Limits {
    QuarantineLimits quarantine = {};
    // What objects, those that are arriving and the quarantine may take together.
    std::optional<ByteCount> quota = std::nullopt;
    // What those that are arriving may take of it.
    std::optional<ByteCount> arriving = std::nullopt;
    // A file that is staged or opened is refused (busy) when its number is not below.
    int descriptors = DescriptorLimits{}.files;
  };
  // Faults: io with a sentence that names the directory and what to do about it.
  [[nodiscard]] static Result<std::unique_ptr<ObjectStore>> open(std::filesystem::path data);
  [[nodiscard]] static Result<std::unique_ptr<ObjectStore>> open(
      std::filesystem::path data, Limits limits,
      std::shared_ptr<Fence> fence = std::make_shared<Fence>(), ObjectRecovery recovery = {});
  ~ObjectStore();

  // Begins an object. `expected` reserves that much room (fallocate, quota): no_space at once if it
  // does not fit, busy if too much is arriving. Objects leave some room for the catalogue, so that
  // a full node can still remove files.
  [[nodiscard]] Result<StagingFile> stage(std::optional<ByteCount> expected);
  // Makes the staged bytes a permanent object: sync, rename, sync of the directory. If `expected`
  // is given and differs: digest_mismatch. On failure nothing is visible.
  [[nodiscard]] Result<StoredObject> commit(StagingFile staged, std::optional<Digest> expected);
  // Faults: not_found, corrupt (its size is not what it was), io.
  [[nodiscard]] Result<std::shared_ptr<ObjectFile const>> open_object(Digest const& digest) const;
  [[nodiscard]] bool has(Digest const& digest) const;
  // The host knows of one more commit of this object. To be called once for each.
  void settle(Digest const& digest);
  // The copy that is there; nullopt if there is none, or one whose commit is not settled.
  [[nodiscard]] std::optional<CopyNumber> settled_copy(Digest const& digest) const;
  // Removes this copy and syncs its directory; who has it open reads on. Faults: not_found (none is
  // there, or another one by now), io.
  [[nodiscard]] Result<void> remove(Digest const& digest, CopyNumber number);

  // A check compares a copy with its digest. Faults: not_found, io (it could not be begun now).
  [[nodiscard]] Result<CopyCheck> begin_check(Digest const& digest);
  // After the last `advance`. Success: it is intact, or was replaced meanwhile. Faults: not_found
  // (removed meanwhile), corrupt (it differs or cannot be read: it is served no more and is in the
  // quarantine if it could be moved).
  [[nodiscard]] Result<void> finish_check(CopyCheck check);
  [[nodiscard]] Quarantine& quarantine();

  // Every object that is there, in order of digest.
  [[nodiscard]] std::vector<StoredObject> objects() const;
  // no_space when the file system has not even the room that the catalogue needs for a removal.
  [[nodiscard]] Result<void> check_catalogue_room() const;
  // The catalogue could not be saved for want of room, or can be again. Until then nothing is
  // staged, for no object could be told of, and there is no room for removals either.
  void catalogue_is_full(bool full);
  // Used part of the file system or of the quota, whichever is more, 0..1; 1 while the catalogue is
  // full.
  [[nodiscard]] double used_ratio() const;
  // How many bytes of objects would still fit: in the quota, and on the disk besides the room that
  // they leave for the catalogue.
  [[nodiscard]] ByteCount room() const;
  // What counts against the quota, whether or not there is one.
  [[nodiscard]] ByteCount used_bytes() const;

 private:
  struct State;
  explicit ObjectStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace chisme::node
