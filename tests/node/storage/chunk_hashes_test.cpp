#include "node/storage/chunk_hashes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/node/storage/stored_objects.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

std::string bytes_of_length(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 24);
  return bytes;
}

ChunkHashes hashes_of(std::string_view bytes, std::size_t piece) {
  ChunkHasher hasher;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    hasher.update(std::as_bytes(std::span(bytes.substr(0, piece))));
  }
  return hasher.finish();
}

TEST(ChunkHashes, DoNotDependOnHowTheBytesCome) {
  std::string const bytes = bytes_of_length(2 * chunk_bytes + 7);
  ChunkHashes const hashes = hashes_of(bytes, bytes.size());
  EXPECT_EQ(hashes.size(), 3u);
  for (std::size_t const piece : {1000ul, chunk_bytes - 1, chunk_bytes, chunk_bytes + 1}) {
    EXPECT_EQ(hashes_of(bytes, piece), hashes);
  }
  EXPECT_EQ(hashes_of(bytes.substr(0, 2 * chunk_bytes), 4096).size(), 2u);
  EXPECT_TRUE(hashes_of("", 1).empty());
}

TEST(ChunkHashes, AFileOfThemIsReadBackAndAnyChangeOfItIsNoticed) {
  ByteCount const size{2 * chunk_bytes + 7};
  ChunkHashes const hashes = hashes_of(bytes_of_length(size.value()), 4096);
  std::string const text = encode(hashes);
  EXPECT_EQ(parse_chunk_hashes(text, size), hashes);
  EXPECT_FALSE(parse_chunk_hashes(text, ByteCount{2 * chunk_bytes}));
  EXPECT_FALSE(parse_chunk_hashes(text, ByteCount{~std::uint64_t{0}}));
  EXPECT_FALSE(parse_chunk_hashes("", ByteCount{0}));
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    EXPECT_FALSE(parse_chunk_hashes(changed, size)) << at;
    EXPECT_FALSE(parse_chunk_hashes(text.substr(0, at), size)) << at;
  }
}

class ChunkedObjects : public ObjectStoreTest {
 protected:
  static constexpr std::uint64_t large = 2 * chunk_bytes + 7;

  void SetUp() override {
    objects = open();
    put(large);
  }
  void put(std::size_t size) {
    bytes = bytes_of_length(size);
    auto const stored = store(*objects, bytes);
    ASSERT_TRUE(stored) << stored.error().message;
    digest = stored->digest;
  }
  fs::path path() const {
    std::string const hex = to_hex(digest);
    return data() / "objects" / hex.substr(0, 2) / (hex + "-" + std::to_string(bytes.size()));
  }
  fs::path chunks() const { return path().parent_path() / (to_hex(digest) + ".chunks"); }
  void flip(std::size_t at) const {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    write_text(path(), changed);
  }
  // What a reader of these bytes is told.
  Result<void> read(std::uint64_t offset, std::uint64_t length) const {
    auto const file = objects->open_object(digest);
    if (!file) return tl::unexpected<Error>(file.error());
    return (*file)->verify(ByteOffset{offset}, ByteCount{length});
  }
  bool lacks_hashes() const {
    auto const file = *objects->open_object(digest);
    EXPECT_TRUE(file->verify(ByteOffset{0}, ByteCount{1}));
    return file->lacks_hashes();
  }
  // Has the kernel drop the file from there on until a look finds that out. The look makes it read
  // again, and a disk may be as fast as the look.
  static bool is_found_gone(ObjectFile const& file, std::uint64_t from) {
    EXPECT_EQ(::fsync(file.descriptor()), 0);
    for (int tries = 0; tries < 50; ++tries) {
      auto const start = static_cast<off_t>(from);
      EXPECT_EQ(::posix_fadvise(file.descriptor(), start, 0, POSIX_FADV_DONTNEED), 0);
      if (!file.is_trusted(ByteOffset{0}, file.size())) return true;
    }
    return false;
  }
  // As the kernel or another reader does, who compares nothing.
  static void bring_into_memory(ObjectFile const& file) {
    std::string into(file.size().value(), '\0');
    ASSERT_EQ(::pread(file.descriptor(), into.data(), into.size(), 0),
              static_cast<ssize_t>(into.size()));
  }

  std::unique_ptr<ObjectStore> objects;
  std::string bytes;
  Digest digest;
};

TEST_F(ChunkedObjects, HashesAreSyncedAndInPlaceBeforeTheObjectIs) {
  ASSERT_TRUE(remove(*objects, digest));
  DiskWatch const watch;
  put(large);
  auto const calls = watch.calls();
  auto const at = [&](std::string const& call) {
    return std::ranges::find(calls, call) - calls.begin();
  };
  EXPECT_LT(at("sync " + (staging() / "1.chunks").string()), at("rename " + chunks().string()));
  EXPECT_LT(at("rename " + chunks().string()), at("rename " + path().string()));
  EXPECT_LT(at("rename " + path().string()), at("sync " + path().parent_path().string()));
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ChunkedObjects, AFlippedBitIsFoundInItsChunkAndNowhereElse) {
  for (std::size_t const position :
       {std::size_t{0}, chunk_bytes - 1, chunk_bytes, 2 * chunk_bytes - 1, 2 * chunk_bytes,
        std::size_t{large - 1}}) {
    flip(position);
    for (std::uint64_t chunk = 0; chunk < 3; ++chunk) {
      auto const verdict = read(chunk * chunk_bytes + 3, 2);
      EXPECT_EQ(verdict.has_value(), chunk != position / chunk_bytes) << position << " " << chunk;
    }
    auto const all = read(0, large);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().fault, Fault::corrupt);
    EXPECT_THAT(all.error().message, HasSubstr(to_hex(digest)));
  }
}

TEST_F(ChunkedObjects, AnObjectOfOneChunkIsComparedWithItsName) {
  put(chunk_bytes);
  EXPECT_FALSE(fs::exists(chunks()));
  EXPECT_TRUE(read(5, 5));
  flip(chunk_bytes - 1);
  EXPECT_EQ(read(5, 5).error().fault, Fault::corrupt);
}

TEST_F(ChunkedObjects, WhatWasFoundRightIsTrustedUntilTheFileChanges) {
  auto const file = *objects->open_object(digest);
  EXPECT_FALSE(file->is_trusted(ByteOffset{0}, ByteCount{1}));
  ASSERT_TRUE(file->verify(ByteOffset{0}, ByteCount{chunk_bytes + 1}));
  EXPECT_TRUE(file->is_trusted(ByteOffset{0}, ByteCount{2 * chunk_bytes}));
  EXPECT_FALSE(file->is_trusted(ByteOffset{0}, ByteCount{large}));
  EXPECT_TRUE((*objects->open_object(digest))->is_trusted(ByteOffset{1}, ByteCount{9}));
  flip(0);
  EXPECT_FALSE((*objects->open_object(digest))->is_trusted(ByteOffset{1}, ByteCount{9}));
}

TEST_F(ChunkedObjects, TrustEndsAfterSomeTime) {
  ChunkVerdicts verdicts{{digest, ByteCount{large}, chunks()}};
  auto const file = *objects->open_object(digest);
  Instant const now{100s};
  ASSERT_TRUE(verdicts.verify(file->descriptor(), ByteOffset{0}, ByteCount{1}, now));
  auto const is_trusted_at = [&](Instant then) {
    return verdicts.is_trusted(file->descriptor(), ByteOffset{0}, ByteCount{1}, then);
  };
  EXPECT_TRUE(is_trusted_at(now + 59s));
  EXPECT_FALSE(is_trusted_at(now + 61s));
}

TEST_F(ChunkedObjects, WhatMustComeFromTheDiskAgainIsComparedAgain) {
  if (is_in_memory()) GTEST_SKIP() << data() << " is in memory";
  for (bool const hashes : {true, false}) {
    if (!hashes) fs::remove(chunks());
    objects = open();
    auto const file = *objects->open_object(digest);
    auto const is_trusted = [&] { return file->is_trusted(ByteOffset{0}, ByteCount{large}); };
    ASSERT_TRUE(file->verify(ByteOffset{0}, ByteCount{large}));
    ASSERT_EQ(file->lacks_hashes(), !hashes);
    EXPECT_TRUE(is_trusted());
    ASSERT_TRUE(is_found_gone(*file, chunk_bytes));
    EXPECT_TRUE(file->is_trusted(ByteOffset{0}, ByteCount{chunk_bytes}));
    bring_into_memory(*file);
    if (hashes) EXPECT_FALSE(is_trusted());
    ASSERT_TRUE(file->verify(ByteOffset{0}, ByteCount{large}));
    EXPECT_TRUE(is_trusted());
  }
}

TEST_F(ChunkedObjects, WhatTheKernelMayHaveReadAheadIsComparedAgainToo) {
  if (is_in_memory()) GTEST_SKIP() << data() << " is in memory";
  put(4 * chunk_bytes);
  auto const file = *objects->open_object(digest);
  ASSERT_TRUE(file->verify(ByteOffset{0}, file->size()));
  ASSERT_TRUE(is_found_gone(*file, 0));
  bring_into_memory(*file);
  for (std::uint64_t const chunk : {0u, 1u, 2u, 3u}) {
    EXPECT_FALSE(file->is_trusted(ByteOffset{chunk * chunk_bytes}, ByteCount{chunk_bytes}))
        << chunk;
  }
  ASSERT_TRUE(file->verify(ByteOffset{0}, file->size()));
  EXPECT_TRUE(file->is_trusted(ByteOffset{0}, file->size()));
}

TEST_F(ChunkedObjects, HashesThatCannotBeReadForAMomentAreNotTakenForMissing) {
  ChunkVerdicts verdicts{{digest, ByteCount{large}, chunks()}};
  auto const file = *objects->open_object(digest);
  auto const look = [&] {
    return verdicts.verify(file->descriptor(), ByteOffset{0}, ByteCount{1}, Instant{100s});
  };
  std::string const hashes = read_text(chunks());
  fs::remove(chunks());
  fs::create_directory(chunks());  // opens, and cannot be read
  EXPECT_EQ(look().error().fault, Fault::io);
  EXPECT_FALSE(verdicts.lacks_hashes());
  EXPECT_FALSE(verdicts.is_trusted(file->descriptor(), ByteOffset{0}, ByteCount{1}, Instant{100s}));
  fs::remove(chunks());
  write_text(chunks(), hashes);
  EXPECT_TRUE(look());
}

TEST_F(ChunkedObjects, HashesThatAreMissingOrDamagedAreMadeAgainByACheck) {
  for (bool const missing : {true, false}) {
    if (missing) fs::remove(chunks());
    if (!missing) write_text(chunks(), "chisme chunk hashes 1\nnot these");
    objects = open();
    EXPECT_TRUE(lacks_hashes());
    EXPECT_TRUE(verify(*objects, digest));
    EXPECT_FALSE(lacks_hashes());
    EXPECT_EQ(parse_chunk_hashes(read_text(chunks()), ByteCount{large}), hashes_of(bytes, 999));
  }
  flip(chunk_bytes);
  EXPECT_FALSE(read(chunk_bytes, 1));
}

TEST_F(ChunkedObjects, HashesGoWithTheirObject) {
  flip(0);
  EXPECT_EQ(verify(*objects, digest).error().fault, Fault::corrupt);
  EXPECT_FALSE(fs::exists(chunks()));
  put(large);
  objects->settle(digest);  // of the first commit
  ASSERT_TRUE(remove(*objects, digest));
  EXPECT_FALSE(fs::exists(chunks()));
}

TEST_F(ChunkedObjects, AStartRemovesHashesWithoutAnObjectHoweverOftenItIsBrokenOff) {
  std::string const hashes = read_text(chunks());
  for (int start = 0; start < 3; ++start) {
    objects.reset();
    fs::path const orphan = path().parent_path() / (std::string(64, 'a') + ".chunks");
    write_text(orphan, "left behind");
    write_text(staging() / "0", "left behind");
    write_text(staging() / "0.chunks", "left behind");
    objects = open();
    EXPECT_FALSE(fs::exists(orphan));
    EXPECT_EQ(count(staging()), 0u);
    EXPECT_EQ(read_text(chunks()), hashes);
    EXPECT_EQ(objects->objects().size(), 1u);
    EXPECT_TRUE(read(0, large));
  }
}

// What the last run left: something to remove, something to set aside, and an object to keep.
TEST_F(ChunkedObjects, AStartThatIsBrokenOffAnywhereIsDoneAgainToTheSameEnd) {
  fs::path const kept = path();
  put(large + 1);
  fs::path const cut = path();
  objects.reset();
  std::string const directory = "objects/" + kept.parent_path().filename().string();
  for (char const* const failing : {directory.c_str(), "quarantine", "objects", ""}) {
    write_text(cut, "cut short");
    write_text(cut.parent_path() / (std::string(64, 'a') + ".chunks"), "left behind");
    write_text(staging() / "0.chunks", "left behind");
    {
      DiskWatch const watch(failing);
      auto const broken = ObjectStore::open(data());
      EXPECT_EQ(broken.has_value(), *failing == '\0') << failing;
    }
    objects = open();
    EXPECT_EQ(objects->objects().size(), 1u) << failing;
    EXPECT_TRUE(fs::exists(kept));
    EXPECT_FALSE(fs::exists(cut));
    EXPECT_FALSE(fs::exists(cut.parent_path() / (std::string(64, 'a') + ".chunks")));
    EXPECT_EQ(count(staging()), 0u);
    EXPECT_EQ(count(data() / "quarantine"), 1u);
    objects.reset();
  }
}

}  // namespace
}  // namespace chisme::node
