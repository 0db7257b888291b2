#include "node/storage/object_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/failpoint.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/quota.hpp"
#include "node/storage/room.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

// An object's file is named "<64 hex digits>-<size>": its name says how long it was when it was
// synced, so that a truncated one is noticed without reading it.
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

// ---- StagingFile -------------------------------------------------------------------------------

struct StagingFile::State {
  State(std::shared_ptr<Quota> quota, Quarantine const& its_quarantine)
      : claim(std::move(quota)), quarantine(its_quarantine) {}

  [[nodiscard]] Result<void> find_room(std::size_t bytes);

  QuotaClaim claim;
  Quarantine const& quarantine;
  fs::path path;
  Descriptor file;
  Sha256 hasher;
  std::uint64_t size = 0;
  std::uint64_t reserved = 0;
  std::optional<Digest> digest;
  bool failed = false;     // an append failed: the bytes on disk are not those that were hashed
  bool published = false;  // the name in staging is gone

  ~State() {
    if (!published && !path.empty()) ::unlink(path.c_str());
  }
};

StagingFile::StagingFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
StagingFile::~StagingFile() = default;
StagingFile::StagingFile(StagingFile&&) noexcept = default;
StagingFile& StagingFile::operator=(StagingFile&&) noexcept = default;

Result<void> StagingFile::State::find_room(std::size_t bytes) {
  if (size + bytes <= reserved) return {};
  return claim.grow(size + bytes, quarantine.contents().bytes).and_then([&] {
    return leave_catalogue_room(file.number(), bytes, path);
  });
}

Result<void> StagingFile::append(std::span<std::byte const> bytes) {
  CHECK(state_ && !state_->digest);
  auto written = state_->find_room(bytes.size()).and_then([&] {
    return write_all(state_->file.number(), bytes, state_->path);
  });
  if (!written) {
    state_->failed = true;
    return written;
  }
  FAILPOINT("object.appended");
  state_->hasher.update(bytes);
  state_->size += bytes.size();
  return {};
}

ByteCount StagingFile::size() const {
  return ByteCount{state_->size};
}

Digest StagingFile::digest() {
  if (!state_->digest) state_->digest = state_->hasher.finish();
  return *state_->digest;
}

ObjectFile::~ObjectFile() {
  ::close(descriptor_);
}

// ---- ObjectStore -------------------------------------------------------------------------------

struct ObjectStore::State {
  struct Copy {
    ByteCount size;
    CopyNumber number;
  };

  State(fs::path const& data, Limits const& limits, std::shared_ptr<Fence> its_fence)
      : objects(data / "objects"),
        staging(data / "staging"),
        fence(std::move(its_fence)),
        quarantine(data / "quarantine", *fence, limits.quarantine),
        quota(std::make_shared<Quota>(limits.quota)) {}

  fs::path objects;
  fs::path staging;
  std::shared_ptr<Fence> fence;
  Quarantine quarantine;
  std::shared_ptr<Quota> quota;  // of objects and what is arriving; the quarantine counts itself
  std::atomic<std::uint64_t> next_staging{0};

  // What is on disk, synced. Held only for a moment: web loops wait for it.
  mutable std::mutex mutex;
  std::map<Digest, Copy> copies;
  std::map<Digest, unsigned> unsettled;  // commits that the host has not settled
  std::uint64_t last_number = 0;

  // One change at a time of each of the 256 directories; held while the disk syncs.
  std::array<std::mutex, 256> changing;

  [[nodiscard]] fs::path directory_of(Digest const& digest) const {
    return objects / to_hex(digest).substr(0, 2);
  }
  [[nodiscard]] fs::path path_of(StoredObject const& object) const {
    return directory_of(object.digest) / file_name(object);
  }
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
    auto const [at, is_new] = copies.insert_or_assign(object.digest, copy);
    if (is_new) quota->add(object.size);
  }
  // False: another copy is there by now, or none.
  bool forget(Digest const& digest, CopyNumber number) {
    std::lock_guard const lock(mutex);
    auto const at = copies.find(digest);
    if (at == copies.end() || at->second.number != number) return false;
    quota->release(at->second.size);
    copies.erase(at);
    return true;
  }
  [[nodiscard]] Result<void> sync(Descriptor const& file, fs::path const& path) const {
    return fence->guard(sync_file(file.number(), path));
  }
  [[nodiscard]] Result<Descriptor> open_directory_of(Digest const& digest);

  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> empty_staging();
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> publish(StagingFile::State& staged, StoredObject const& object);
  [[nodiscard]] Result<void> set_aside(StoredObject const& object);
  [[nodiscard]] Result<void> unlink_copy(StoredObject const& object, CopyNumber number);
};

Result<void> ObjectStore::State::prepare() {
  for (fs::path const& directory : {objects, staging}) {
    if (auto made = make_directories(directory); !made) return made;
  }
  if (auto opened = quarantine.open(); !opened) return opened;
  return empty_staging().and_then([this] { return load(); });
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

// Each directory is synced before its objects count: a process may have been killed between a
// rename and its sync. An object of another size than its name says goes to quarantine.
Result<void> ObjectStore::State::load() {
  auto directories = entries_of(objects);
  if (!directories) return tl::unexpected<Error>(directories.error());
  for (fs::directory_entry const& directory : *directories) {
    if (!directory.is_directory()) continue;
    auto files = entries_of(directory.path());
    if (!files) return tl::unexpected<Error>(files.error());
    if (auto synced = sync_directory(directory.path()); !synced) return synced;
    for (fs::directory_entry const& file : *files) {
      auto const object = parse_file_name(file.path().filename().string());
      if (!object) continue;
      FAILPOINT("recovery.object_found");
      std::error_code code;
      if (file.file_size(code) == object->size.value() && !code) {
        remember(*object);
      } else if (auto moved = set_aside(*object); !moved) {
        return moved;
      }
    }
  }
  FAILPOINT("recovery.objects_read");
  return sync_directory(objects);
}

// Moves a file that is no copy any more to the quarantine.
Result<void> ObjectStore::State::set_aside(StoredObject const& object) {
  fs::path const from = path_of(object);
  auto const directory = open_directory(from.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  if (auto taken = quarantine.take(from); !taken) return taken;
  FAILPOINT("quarantine.taken");
  if (auto synced = sync(*directory, from.parent_path()); !synced) return synced;
  FAILPOINT("quarantine.left");
  auto const emptied = quarantine.empty_oldest();
  if (!emptied) return tl::unexpected<Error>(emptied.error());
  return {};
}

// REQUIRES: `changing` of its directory is held.
Result<void> ObjectStore::State::unlink_copy(StoredObject const& object, CopyNumber number) {
  fs::path const path = path_of(object);
  auto const directory = open_directory(path.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  if (!forget(object.digest, number)) {
    return fail(Fault::not_found, "the copy of " + to_hex(object.digest) + " is another now");
  }
  FAILPOINT("object.removing");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    auto const error = failed("removing", path);
    remember(object);
    return error;
  }
  FAILPOINT("object.unlinked");
  return sync(*directory, path.parent_path());
}

// Makes it if it is missing. Directories are opened before they are changed, so that a change is
// never left unsynced for want of a file descriptor.
Result<Descriptor> ObjectStore::State::open_directory_of(Digest const& digest) {
  fs::path const path = directory_of(digest);
  auto const parent = open_directory(objects);
  if (!parent) return tl::unexpected<Error>(parent.error());
  if (::mkdir(path.c_str(), 0700) == 0) {
    FAILPOINT("object.directory_made");
    if (auto synced = sync(*parent, objects); !synced) {
      ::rmdir(path.c_str());
      return tl::unexpected<Error>(synced.error());
    }
  } else if (errno != EEXIST) {
    return failed("making the directory", path);
  }
  return open_directory(path);
}

Result<void> ObjectStore::State::publish(StagingFile::State& staged, StoredObject const& object) {
  fs::path const directory = directory_of(object.digest);
  fs::path const path = directory / file_name(object);
  std::lock_guard const lock(changing[object.digest.bytes[0]]);
  if (auto safe = fence->check(); !safe) return safe;
  // A copy that is there already is replaced: these bytes were just checked, those may have rotted.
  bool const replaces = find(object.digest).has_value();
  auto const opened = open_directory_of(object.digest);
  if (!opened) return tl::unexpected<Error>(opened.error());
  if (::rename(staged.path.c_str(), path.c_str()) != 0) return failed("renaming", staged.path);
  FAILPOINT("object.renamed");
  staged.published = true;
  if (auto synced = sync(*opened, directory); !synced) {
    if (!replaces) ::unlink(path.c_str());
    return synced;
  }
  FAILPOINT("object.directory_synced");
  remember_commit(object);
  return {};
}

ObjectStore::ObjectStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectStore::~ObjectStore() = default;

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(fs::path data) {
  return open(std::move(data), Limits{});
}

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(fs::path data, Limits limits,
                                                       std::shared_ptr<Fence> fence) {
  auto state = std::make_unique<State>(data, limits, std::move(fence));
  if (auto prepared = state->prepare(); !prepared) {
    Error const& error = prepared.error();
    return fail(
        Fault::io,
        "cannot keep objects in " + data.string() + " (" + error.message +
            "): make it a directory that this user may write, or choose another with --data",
        error.system_error);
  }
  return std::unique_ptr<ObjectStore>(new ObjectStore(std::move(state)));
}

Result<StagingFile> ObjectStore::stage(std::optional<ByteCount> expected) {
  if (auto safe = state_->fence->check(); !safe) return tl::unexpected<Error>(safe.error());
  auto staged = std::make_unique<StagingFile::State>(state_->quota, state_->quarantine);
  auto const besides = state_->quarantine.contents().bytes;
  auto const wanted = expected.value_or(ByteCount{});
  if (auto claimed = staged->claim.grow(wanted.value(), besides); !claimed) {
    return tl::unexpected<Error>(claimed.error());
  }
  fs::path const path = state_->staging / std::to_string(state_->next_staging++);
  auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return tl::unexpected<Error>(file.error());
  staged->file = std::move(*file);
  staged->path = path;
  staged->reserved = wanted.value();
  auto const room =
      leave_catalogue_room(staged->file.number(), staged->reserved, path).and_then([&] {
        return reserve(staged->file.number(), ByteCount{staged->reserved}, path);
      });
  if (!room) return tl::unexpected<Error>(room.error());
  FAILPOINT("object.staged");
  return StagingFile(std::move(staged));
}

Result<StoredObject> ObjectStore::commit(StagingFile file, std::optional<Digest> expected) {
  StoredObject const object{file.digest(), file.size()};
  StagingFile::State& staged = *file.state_;
  if (staged.failed)
    return fail(Fault::io, "an earlier write to " + staged.path.string() + " failed");
  if (expected && *expected != object.digest) {
    return fail(Fault::digest_mismatch, "the bytes have SHA-256 " + to_hex(object.digest) +
                                            ", but " + to_hex(*expected) + " was announced");
  }
  // Cutting at the end gives back what was reserved beyond it.
  if (staged.reserved > staged.size &&
      ::ftruncate(staged.file.number(), static_cast<off_t>(staged.size)) != 0) {
    return failed("cutting", staged.path);
  }
  FAILPOINT("object.complete");
  // A closed fence is met before the sync: a file that is synced in vain would only wear the disk.
  auto stored = state_->fence->check()
                    .and_then([&] { return state_->sync(staged.file, staged.path); })
                    .and_then([&] {
                      FAILPOINT("object.synced");
                      return state_->publish(staged, object);
                    });
  if (!stored) return tl::unexpected<Error>(stored.error());
  return object;
}

Result<std::shared_ptr<ObjectFile const>> ObjectStore::open_object(Digest const& digest) const {
  auto const copy = state_->find(digest);
  if (!copy) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  fs::path const path = state_->path_of({digest, copy->size});
  auto file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  struct stat found{};
  if (::fstat(file->number(), &found) != 0) return failed("measuring", path);
  if (static_cast<std::uint64_t>(found.st_size) != copy->size.value()) {
    return fail(Fault::corrupt, path.string() + " has " + std::to_string(found.st_size) +
                                    " bytes instead of " + std::to_string(copy->size.value()));
  }
  return std::make_shared<ObjectFile const>(file->release(), copy->size);
}

bool ObjectStore::has(Digest const& digest) const {
  return state_->find(digest).has_value();
}

void ObjectStore::settle(Digest const& digest) {
  std::lock_guard const lock(state_->mutex);
  auto const at = state_->unsettled.find(digest);
  if (at != state_->unsettled.end() && --at->second == 0) state_->unsettled.erase(at);
}

std::optional<CopyNumber> ObjectStore::settled_copy(Digest const& digest) const {
  std::lock_guard const lock(state_->mutex);
  auto const at = state_->copies.find(digest);
  if (at == state_->copies.end() || state_->unsettled.contains(digest)) return std::nullopt;
  return at->second.number;
}

Result<void> ObjectStore::remove(Digest const& digest, CopyNumber number) {
  std::lock_guard const lock(state_->changing[digest.bytes[0]]);
  if (auto safe = state_->fence->check(); !safe) return safe;
  auto const copy = state_->find(digest);
  if (!copy) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  return state_->unlink_copy({digest, copy->size}, number);
}

Result<CopyCheck> ObjectStore::begin_check(Digest const& digest) {
  auto const copy = state_->find(digest);
  if (!copy) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  auto file = open_file(state_->path_of({digest, copy->size}), O_RDONLY);
  // Too little of something for the moment says nothing about the copy.
  if (!file && (file.error().system_error == EMFILE || file.error().system_error == ENFILE ||
                file.error().system_error == ENOMEM)) {
    return tl::unexpected<Error>(file.error());
  }
  if (!file && file.error().fault == Fault::not_found) {
    state_->forget(digest, copy->number);
    return tl::unexpected<Error>(file.error());
  }
  if (!file) errno = file.error().system_error;
  return CopyCheck({digest, copy->size, copy->number}, file ? std::move(*file) : Descriptor{});
}

Result<void> ObjectStore::finish_check(CopyCheck check) {
  std::string const complaint = check.complaint();
  if (complaint.empty()) return {};
  Digest const digest = check.digest();
  std::lock_guard const lock(state_->changing[digest.bytes[0]]);
  auto const copy = state_->find(digest);
  if (!copy) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  if (!state_->forget(digest, check.number_)) return {};  // a commit just checked these bytes
  FAILPOINT("quarantine.found");
  std::string const what = "the copy of " + to_hex(digest) + " " + complaint;
  auto const moved = state_->set_aside({digest, copy->size});
  if (moved)
    return fail(Fault::corrupt, what + ": it is now in " + quarantine().directory().string());
  return fail(Fault::corrupt, what + " and is served no more (" + moved.error().message + ")");
}

Quarantine& ObjectStore::quarantine() {
  return state_->quarantine;
}

Result<std::vector<StoredObject>> ObjectStore::scan() const {
  std::vector<StoredObject> objects;
  auto directories = entries_of(state_->objects);
  if (!directories) return tl::unexpected<Error>(directories.error());
  for (fs::directory_entry const& directory : *directories) {
    if (!directory.is_directory()) continue;
    auto files = entries_of(directory.path());
    if (!files) return tl::unexpected<Error>(files.error());
    for (fs::directory_entry const& file : *files) {
      auto const object = parse_file_name(file.path().filename().string());
      std::error_code code;
      // Only what is known to be synced, and still has its size.
      if (object && has(object->digest) && file.file_size(code) == object->size.value() && !code) {
        objects.push_back(*object);
      }
    }
  }
  return objects;
}

Result<void> ObjectStore::check_catalogue_room() const {
  return check_room(state_->objects, catalogue_change_bytes);
}

double ObjectStore::used_ratio() const {
  return std::max(used_ratio_of(state_->objects),
                  state_->quota->used_ratio(state_->quarantine.contents().bytes));
}

ByteCount ObjectStore::used_bytes() const {
  return state_->quota->used() + state_->quarantine.contents().bytes;
}

}  // namespace chisme::node
