#include "node/storage/object_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/storage/posix.hpp"
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

Result<Digest> hash_file(int descriptor, fs::path const& path) {
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  Sha256 hasher;
  std::vector<std::byte> block(std::size_t{1} << 18);
  for (;;) {
    ssize_t const got = ::read(descriptor, block.data(), block.size());
    if (got == 0) return hasher.finish();
    if (got > 0) {
      hasher.update(std::span(block).first(static_cast<std::size_t>(got)));
    } else if (errno != EINTR) {
      return failed("reading", path);
    }
  }
}

// Whether `path` still is the file that `descriptor` has open.
bool is_same_file(int descriptor, fs::path const& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// Room for `size` bytes, taken now. File systems that cannot reserve are asked what is free.
Result<void> reserve(int descriptor, ByteCount size, fs::path const& path) {
  if (size.value() == 0) return {};
  std::string const doing = "reserving " + std::to_string(size.value()) + " bytes in";
  if (size.value() > static_cast<std::uint64_t>(INT64_MAX)) {
    errno = ENOSPC;
    return failed(doing, path);
  }
  if (::fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size.value())) == 0) {
    return {};
  }
  if (errno == EOPNOTSUPP || errno == ENOSYS) {
    struct statvfs room{};
    if (::fstatvfs(descriptor, &room) != 0) return failed("measuring", path);
    if (room.f_bavail * room.f_frsize >= size.value()) return {};
    errno = ENOSPC;
  }
  if (errno == EFBIG) errno = ENOSPC;  // larger than any file may be here
  return failed(doing, path);
}

// Objects leave this much room for the catalogue, so that a full node can still remove files: a
// twentieth of the file system, at most 64 MiB.
constexpr std::uint64_t catalogue_room_max = 64u << 20;

// no_space unless `wanted` bytes fit besides the catalogue's room.
Result<void> leave_catalogue_room(int descriptor, std::uint64_t wanted, fs::path const& path) {
  struct statvfs room{};
  if (::fstatvfs(descriptor, &room) != 0) return failed("measuring", path);
  std::uint64_t const kept = std::min(catalogue_room_max, room.f_blocks * room.f_frsize / 20);
  if (room.f_bavail * room.f_frsize >= wanted + kept) return {};
  errno = ENOSPC;
  return failed("finding room for", path);
}

}  // namespace

// ---- StagingFile -------------------------------------------------------------------------------

struct StagingFile::State {
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

Result<void> StagingFile::append(std::span<std::byte const> bytes) {
  CHECK(state_ && !state_->digest);
  bool const reserved = state_->size + bytes.size() <= state_->reserved;
  auto const room = reserved
                        ? Result<void>{}
                        : leave_catalogue_room(state_->file.number(), bytes.size(), state_->path);
  auto written =
      room.and_then([&] { return write_all(state_->file.number(), bytes, state_->path); });
  if (!written) {
    state_->failed = true;
    return written;
  }
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
  fs::path objects;
  fs::path staging;
  fs::path quarantine;
  std::atomic<std::uint64_t> next_staging{0};

  // What is on disk, synced. Held only for a moment: web loops wait for it.
  mutable std::mutex mutex;
  std::map<Digest, ByteCount> sizes;

  // One change at a time of each of the 256 directories; held while the disk syncs.
  std::array<std::mutex, 256> changing;

  // Set when a directory could not be synced. What the kernel then has in memory is no longer what
  // the disk has, and a later sync would not tell: nothing is promised any more until a restart.
  std::atomic<bool> unsafe{false};

  [[nodiscard]] fs::path directory_of(Digest const& digest) const {
    return objects / to_hex(digest).substr(0, 2);
  }
  [[nodiscard]] fs::path path_of(StoredObject const& object) const {
    return directory_of(object.digest) / file_name(object);
  }
  [[nodiscard]] std::optional<StoredObject> find(Digest const& digest) const {
    std::lock_guard const lock(mutex);
    auto const at = sizes.find(digest);
    if (at == sizes.end()) return std::nullopt;
    return StoredObject{at->first, at->second};
  }
  void remember(StoredObject const& object) {
    std::lock_guard const lock(mutex);
    sizes[object.digest] = object.size;
  }
  void forget(Digest const& digest) {
    std::lock_guard const lock(mutex);
    sizes.erase(digest);
  }
  [[nodiscard]] Result<void> sync_changes(Descriptor const& directory, fs::path const& path) {
    auto synced = sync_file(directory.number(), path);
    if (!synced) unsafe = true;
    return synced;
  }
  [[nodiscard]] Result<Descriptor> open_directory_of(Digest const& digest);
  [[nodiscard]] Result<void> refuse_if_unsafe() const {
    if (!unsafe) return {};
    return fail(Fault::io,
                "a directory under " + objects.string() +
                    " could not be synced earlier: check the disk, then restart the node");
  }

  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> empty_staging();
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> publish(StagingFile::State& staged, StoredObject const& object);
  [[nodiscard]] Result<void> set_aside(StoredObject const& object);
};

Result<void> ObjectStore::State::prepare() {
  for (fs::path const& directory : {objects, staging, quarantine}) {
    if (auto made = make_directories(directory); !made) return made;
  }
  return empty_staging().and_then([this] { return load(); });
}

Result<void> ObjectStore::State::empty_staging() {
  auto entries = entries_of(staging);
  if (!entries) return tl::unexpected<Error>(entries.error());
  for (fs::directory_entry const& entry : *entries) {
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
      std::error_code code;
      if (file.file_size(code) == object->size.value() && !code) {
        remember(*object);
      } else if (auto moved = set_aside(*object); !moved) {
        return moved;
      }
    }
  }
  return sync_directory(objects);
}

Result<void> ObjectStore::State::set_aside(StoredObject const& object) {
  forget(object.digest);
  fs::path const from = path_of(object);
  auto const into = open_directory(quarantine);
  if (!into) return tl::unexpected<Error>(into.error());
  auto const directory = open_directory(from.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  if (::rename(from.c_str(), (quarantine / file_name(object)).c_str()) != 0) {
    return failed("moving to quarantine", from);
  }
  return sync_changes(*into, quarantine).and_then([&] {
    return sync_changes(*directory, from.parent_path());
  });
}

// Makes it if it is missing. Directories are opened before they are changed, so that a change is
// never left unsynced for want of a file descriptor.
Result<Descriptor> ObjectStore::State::open_directory_of(Digest const& digest) {
  fs::path const path = directory_of(digest);
  auto const parent = open_directory(objects);
  if (!parent) return tl::unexpected<Error>(parent.error());
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (auto synced = sync_changes(*parent, objects); !synced) {
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
  if (auto safe = refuse_if_unsafe(); !safe) return safe;
  // A copy that is there already is replaced: these bytes were just checked, those may have rotted.
  bool const replaces = find(object.digest).has_value();
  auto const opened = open_directory_of(object.digest);
  if (!opened) return tl::unexpected<Error>(opened.error());
  if (::rename(staged.path.c_str(), path.c_str()) != 0) return failed("renaming", staged.path);
  staged.published = true;
  if (auto synced = sync_changes(*opened, directory); !synced) {
    if (!replaces) ::unlink(path.c_str());
    return synced;
  }
  remember(object);
  return {};
}

ObjectStore::ObjectStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectStore::~ObjectStore() = default;

Result<std::unique_ptr<ObjectStore>> ObjectStore::open(fs::path data) {
  auto state = std::make_unique<State>();
  state->objects = data / "objects";
  state->staging = data / "staging";
  state->quarantine = data / "quarantine";
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
  auto staged = std::make_unique<StagingFile::State>();
  fs::path const path = state_->staging / std::to_string(state_->next_staging++);
  auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return tl::unexpected<Error>(file.error());
  staged->file = std::move(*file);
  staged->path = path;
  staged->reserved = expected.value_or(ByteCount{}).value();
  auto const room =
      leave_catalogue_room(staged->file.number(), staged->reserved, path).and_then([&] {
        return reserve(staged->file.number(), ByteCount{staged->reserved}, path);
      });
  if (!room) return tl::unexpected<Error>(room.error());
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
  auto stored = sync_file(staged.file.number(), staged.path).and_then([&] {
    return state_->publish(staged, object);
  });
  if (!stored) return tl::unexpected<Error>(stored.error());
  return object;
}

Result<std::shared_ptr<ObjectFile const>> ObjectStore::open_object(Digest const& digest) const {
  auto const object = state_->find(digest);
  if (!object) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  fs::path const path = state_->path_of(*object);
  auto file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  struct stat found{};
  if (::fstat(file->number(), &found) != 0) return failed("measuring", path);
  if (static_cast<std::uint64_t>(found.st_size) != object->size.value()) {
    return fail(Fault::corrupt, path.string() + " has " + std::to_string(found.st_size) +
                                    " bytes instead of " + std::to_string(object->size.value()));
  }
  return std::make_shared<ObjectFile const>(file->release(), object->size);
}

Result<void> ObjectStore::remove(Digest const& digest) {
  std::lock_guard const lock(state_->changing[digest.bytes[0]]);
  auto const object = state_->find(digest);
  if (!object) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  fs::path const path = state_->path_of(*object);
  auto const directory = open_directory(path.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  state_->forget(digest);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    auto const error = failed("removing", path);
    state_->remember(*object);
    return error;
  }
  return state_->sync_changes(*directory, path.parent_path());
}

Result<void> ObjectStore::verify(Digest const& digest) {
  auto const object = state_->find(digest);
  if (!object) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  fs::path const path = state_->path_of(*object);
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  auto const read = hash_file(file->number(), path);
  if (!read) return tl::unexpected<Error>(read.error());
  if (*read == digest) return {};
  std::lock_guard const lock(state_->changing[digest.bytes[0]]);
  if (!is_same_file(file->number(), path)) return {};  // removed or replaced meanwhile
  if (auto moved = state_->set_aside(*object); !moved) return moved;
  return fail(Fault::corrupt, "the copy of " + to_hex(digest) +
                                  " has changed on disk: it is now in " +
                                  state_->quarantine.string());
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
      if (object && state_->find(object->digest) && file.file_size(code) == object->size.value() &&
          !code) {
        objects.push_back(*object);
      }
    }
  }
  return objects;
}

double ObjectStore::used_ratio() const {
  struct statvfs room{};
  if (::statvfs(state_->objects.c_str(), &room) != 0 || room.f_blocks == 0) return 1.0;
  auto const used = static_cast<double>(room.f_blocks - room.f_bfree);
  return used / (used + static_cast<double>(room.f_bavail));  // as df: root's reserve is not ours
}

}  // namespace chisme::node
