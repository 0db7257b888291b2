#include "node/storage/object_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/clock.hpp"
#include "node/failpoint.hpp"
#include "node/storage/object_store_state.hpp"
#include "node/storage/room.hpp"

namespace chisme::node {

namespace fs = std::filesystem;

namespace {

tl::unexpected<Error> catalogue_full() {
  return fail(Fault::no_space, "this node's disk has no room for the catalogue");
}

}  // namespace

// ---- StagingFile -------------------------------------------------------------------------------

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
  state_->chunks.update(bytes);
  state_->size += bytes.size();
  return {};
}

ByteCount StagingFile::size() const {
  return ByteCount{state_->size};
}

Result<std::shared_ptr<Descriptor const>> StagingFile::reader() const {
  int const number = ::fcntl(state_->file.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) return failed("reading", state_->path);
  return std::make_shared<Descriptor const>(number);
}

Digest StagingFile::digest() {
  if (!state_->digest) state_->digest = state_->hasher.finish();
  return *state_->digest;
}

ObjectFile::~ObjectFile() {
  ::close(descriptor_);
}

bool ObjectFile::is_trusted(ByteOffset offset, ByteCount length) const {
  return verdicts_->is_trusted(descriptor_, offset, length, steady_now());
}

Result<void> ObjectFile::verify(ByteOffset offset, ByteCount length) const {
  return verdicts_->verify(descriptor_, offset, length, steady_now());
}

// ---- ObjectStore -------------------------------------------------------------------------------

Result<void> ObjectStore::State::write_chunks(fs::path const& path, ChunkHashes const& hashes) {
  auto const file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return tl::unexpected<Error>(file.error());
  std::string const text = encode(hashes);
  return write_all(file->number(), std::as_bytes(std::span(text)), path).and_then([&] {
    return sync(*file, path);
  });
}

// The copy was just read and is intact: what lies beside it must say the same.
Result<void> ObjectStore::State::refresh_chunks(StoredObject const& object,
                                                ChunkHashes const& hashes) {
  fs::path const path = chunks_of(path_of(object));
  FAILPOINT("chunks.checked");
  verdicts.forget(object.digest);  // they may be of hashes that were missing
  auto const kept = read_file(path);
  if (kept && parse_chunk_hashes(*kept, object.size) == hashes) return {};
  fs::path const fresh = chunks_of(staging / std::to_string(next_staging++));
  auto written = write_chunks(fresh, hashes);
  if (written && ::rename(fresh.c_str(), path.c_str()) != 0) written = failed("renaming", fresh);
  if (!written) {
    ::unlink(fresh.c_str());
    return written;
  }
  FAILPOINT("chunks.replaced");
  auto const directory = open_directory(path.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  return sync(*directory, path.parent_path());
}

// Moves a file that is no copy any more to the quarantine.
Result<void> ObjectStore::State::set_aside(StoredObject const& object) {
  fs::path const from = path_of(object);
  auto const directory = open_directory(from.parent_path());
  if (!directory) return tl::unexpected<Error>(directory.error());
  if (auto taken = quarantine.take(from); !taken) return taken;
  FAILPOINT("quarantine.taken");
  ::unlink(chunks_of(from).c_str());  // if it stays, the next start removes it
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
  ::unlink(chunks_of(path).c_str());  // if it stays, the next start removes it
  return sync(*directory, path.parent_path());
}

Result<Descriptor> ObjectStore::State::open_within_limit(fs::path const& path, int flags) const {
  auto file = open_file(path, flags);
  if (!file || file->number() < descriptors) return file;
  if ((flags & O_CREAT) != 0) ::unlink(path.c_str());
  return fail(Fault::busy, "this node has too many files open", EMFILE);
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
  fs::path const chunks = chunks_of(staged.path);
  if (has_chunk_file(object.size) && ::rename(chunks.c_str(), chunks_of(path).c_str()) != 0) {
    return failed("renaming", chunks);
  }
  FAILPOINT("chunks.renamed");
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
                                                       std::shared_ptr<Fence> fence,
                                                       ObjectRecovery recovery) {
  auto state = std::make_unique<State>(data, limits, std::move(fence));
  if (auto prepared = state->prepare(std::move(recovery)); !prepared) {
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
  if (state_->catalogue_full) return catalogue_full();
  auto staged = std::make_unique<StagingFile::State>(state_->quota, state_->quarantine);
  auto const besides = state_->quarantine.contents().bytes;
  auto const wanted = expected.value_or(ByteCount{});
  if (auto claimed = staged->claim.grow(wanted.value(), besides); !claimed) {
    return tl::unexpected<Error>(claimed.error());
  }
  fs::path const path = state_->staging / std::to_string(state_->next_staging++);
  auto file = state_->open_within_limit(path, O_RDWR | O_CREAT | O_EXCL);
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
                    .and_then([&]() -> Result<void> {
                      if (!has_chunk_file(object.size)) return {};
                      return state_->write_chunks(chunks_of(staged.path), staged.chunks.finish());
                    })
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
  auto file = state_->open_within_limit(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  struct stat found{};
  if (::fstat(file->number(), &found) != 0) return failed("measuring", path);
  if (static_cast<std::uint64_t>(found.st_size) != copy->size.value()) {
    return fail(Fault::corrupt, path.string() + " has " + std::to_string(found.st_size) +
                                    " bytes instead of " + std::to_string(copy->size.value()));
  }
  auto verdicts = state_->verdicts.of({digest, copy->size, chunks_of(path)}, copy->number, found);
  return std::make_shared<ObjectFile const>(file->release(), copy->size, std::move(verdicts));
}

bool ObjectStore::has(Digest const& digest) const {
  return state_->find(digest).has_value();
}

void ObjectStore::settle(Digest const& digest) {
  std::lock_guard const lock(state_->mutex);
  auto const at = state_->unsettled.find(digest);
  if (at != state_->unsettled.end() && --at->second == 0) state_->unsettled.erase(at);
}

std::vector<StoredObject> ObjectStore::objects() const {
  std::lock_guard const lock(state_->mutex);
  std::vector<StoredObject> objects;
  objects.reserve(state_->copies.size());
  for (auto const& [digest, copy] : state_->copies) objects.push_back({digest, copy.size});
  return objects;
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
  Digest const digest = check.digest();
  std::lock_guard const lock(state_->changing[digest.bytes[0]]);
  auto const copy = state_->find(digest);
  if (!copy) return fail(Fault::not_found, "no object " + to_hex(digest) + " here");
  if (complaint.empty()) {
    if (!has_chunk_file(copy->size) || state_->fence->is_closed()) return {};
    return state_->refresh_chunks({digest, copy->size}, check.chunks_.finish());
  }
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

Result<void> ObjectStore::check_catalogue_room() const {
  if (state_->catalogue_full) return catalogue_full();
  return check_room(state_->objects, catalogue_change_bytes);
}

void ObjectStore::catalogue_is_full(bool full) {
  state_->catalogue_full = full;
}

double ObjectStore::used_ratio() const {
  if (state_->catalogue_full) return 1;
  return std::max(used_ratio_of(state_->objects),
                  state_->quota->used_ratio(state_->quarantine.contents().bytes));
}

ByteCount ObjectStore::room() const {
  if (state_->catalogue_full) return ByteCount{0};
  ByteCount const free = room_for_objects(state_->objects);
  return std::min(free, state_->quota->left(state_->quarantine.contents().bytes).value_or(free));
}

ByteCount ObjectStore::used_bytes() const {
  return state_->quota->used() + state_->quarantine.contents().bytes;
}

}  // namespace chisme::node
