#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "node/storage/object_store.hpp"
#include "tests/node/storage/disk.hpp"

// What the tests of the object store share.
namespace chisme::node {

// SHA-256 of "abc" (FIPS 180-4, example 1) and of nothing.
inline constexpr char const* abc_hex =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
inline constexpr char const* empty_hex =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class ObjectStoreTest : public testing::Test {
 protected:
  std::filesystem::path data() const { return directory_.path(); }
  // Of a file system in memory nothing is ever dropped, nor read again.
  bool is_in_memory() const {
    struct statfs kind{};
    EXPECT_EQ(::statfs(data().c_str(), &kind), 0);
    return kind.f_type == TMPFS_MAGIC;
  }
  std::filesystem::path staging() const { return data() / "staging"; }
  std::filesystem::path abc_path() const {
    return data() / "objects" / "ba" / (std::string(abc_hex) + "-3");
  }

  std::unique_ptr<ObjectStore> open() {
    auto store = ObjectStore::open(data());
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  static Result<StoredObject> store(ObjectStore& objects, std::string_view bytes,
                                    std::optional<Digest> expected = std::nullopt) {
    auto staged = objects.stage(ByteCount{bytes.size()});
    if (!staged) return tl::unexpected<Error>(staged.error());
    auto appended = staged->append(std::as_bytes(std::span(bytes)));
    if (!appended) return tl::unexpected<Error>(appended.error());
    return objects.commit(std::move(*staged), expected);
  }
  // Removes what is there now, as a host does that knows of all commits.
  static Result<void> remove(ObjectStore& objects, Digest const& digest) {
    objects.settle(digest);
    auto const copy = objects.settled_copy(digest);
    return objects.remove(digest, copy.value_or(CopyNumber{}));
  }
  static Result<void> verify(ObjectStore& objects, Digest const& digest) {
    auto check = objects.begin_check(digest);
    if (!check) return tl::unexpected<Error>(check.error());
    while (check->advance(2)) {
    }
    return objects.finish_check(std::move(*check));
  }
  static std::string bytes_of(ObjectFile const& file) {
    std::string bytes(file.size().value(), '\0');
    EXPECT_EQ(::pread(file.descriptor(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    return bytes;
  }
  static std::size_t count(std::filesystem::path const& directory) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory),
                                                  std::filesystem::directory_iterator{}));
  }

 private:
  TemporaryDirectory directory_;
};

// While it lives, nothing more can be opened.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    int const lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit const none{static_cast<rlim_t>(lowest), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorsLeft(NoDescriptorsLeft const&) = delete;
  NoDescriptorsLeft& operator=(NoDescriptorsLeft const&) = delete;

 private:
  rlimit before_{};
};

}  // namespace chisme::node
