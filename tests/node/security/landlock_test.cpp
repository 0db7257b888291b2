#include "node/security/landlock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "node/storage/posix.hpp"
#include "tests/node/peer/holder.hpp"
#include "tests/node/security/child.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using test::in_a_child;

bool opens(fs::path const& path, int flags) {
  return open_file(path, flags).has_value();
}

// A directory that is kept, one that is read, and one that is neither.
struct RestrictedFiles : testing::Test {
  RestrictedFiles() {
    for (fs::path const& place : {kept, read, other}) {
      fs::create_directory(place);
      std::ofstream{place / "file"} << "text";
    }
    fs::create_directory_symlink(other, kept / "link");
  }
  void SetUp() override {
    bool const has_it = in_a_child([] { return restrict_files({}).has_value(); });
    if (!has_it) GTEST_SKIP() << "this kernel has no Landlock";
  }
  // The answer of a process that is restricted.
  bool restricted(std::function<bool()> const& question) const {
    return in_a_child([&] {
      return restrict_files({.kept = {kept}, .read = {read, "/no/such/file"}, .run = {}}) &&
             question();
    });
  }
  test::Directory directory;
  fs::path const kept = directory.path() / "kept";
  fs::path const read = directory.path() / "read";
  fs::path const other = directory.path() / "other";
};

TEST_F(RestrictedFiles, WhatIsKeptIsReadWrittenMadeMovedAndRemoved) {
  EXPECT_TRUE(restricted([&] {
    fs::path const place = kept / "a" / "b";
    return make_directories(place) && replace_file(place / "new", "text") &&
           ::rename((place / "new").c_str(), (kept / "moved").c_str()) == 0 &&
           ::truncate((kept / "moved").c_str(), 1) == 0 && opens(kept / "moved", O_RDWR) &&
           ::link((kept / "moved").c_str(), (kept / "a" / "linked").c_str()) == 0 &&
           ::unlink((kept / "moved").c_str()) == 0 && ::rmdir(place.c_str()) == 0 &&
           sync_directory(kept);
  }));
}

TEST_F(RestrictedFiles, WhatIsReadIsNotWritten) {
  EXPECT_TRUE(restricted([&] { return opens(read / "file", O_RDONLY); }));
  EXPECT_TRUE(restricted([&] { return open_directory(read).has_value(); }));
  EXPECT_FALSE(restricted([&] { return opens(read / "file", O_WRONLY); }));
  EXPECT_FALSE(restricted([&] { return opens(read / "new", O_WRONLY | O_CREAT); }));
  EXPECT_FALSE(restricted([&] { return ::unlink((read / "file").c_str()) == 0; }));
}

TEST_F(RestrictedFiles, AFileThatReplacesOneThatIsReadIsReadToo) {
  int ask[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ask), 0);
  std::thread replacing{[&] {
    char byte = 0;
    if (::read(ask[0], &byte, 1) == 1) {
      fs::rename(other / "file", read / "file");
      static_cast<void>(!::write(ask[0], &byte, 1));
    }
  }};
  EXPECT_TRUE(restricted([&] {
    char byte = 'x';
    return ::write(ask[1], &byte, 1) == 1 && ::read(ask[1], &byte, 1) == 1 &&
           opens(read / "file", O_RDONLY) && !opens(other / "file", O_RDONLY);
  }));
  static_cast<void>(!::write(ask[1], "x", 1));
  replacing.join();
}

TEST_F(RestrictedFiles, NothingElseIsOpenedMadeOrReachedByALink) {
  EXPECT_FALSE(restricted([&] { return opens(other / "file", O_RDONLY); }));
  EXPECT_FALSE(restricted([&] { return opens("/etc/passwd", O_RDONLY); }));
  EXPECT_FALSE(restricted([&] { return open_directory("/").has_value(); }));
  EXPECT_FALSE(restricted([&] { return opens(kept / "link" / "file", O_RDONLY); }));
  EXPECT_FALSE(restricted([&] { return opens(kept / ".." / "other" / "file", O_RDONLY); }));
  EXPECT_FALSE(restricted([&] { return opens(other / "new", O_WRONLY | O_CREAT); }));
  EXPECT_FALSE(restricted([&] { return ::symlink("/etc", (kept / "etc").c_str()) == 0; }));
  EXPECT_FALSE(restricted([&] { return ::mkfifo((kept / "pipe").c_str(), 0600) == 0; }));
  EXPECT_FALSE(restricted(
      [&] { return ::rename((other / "file").c_str(), (kept / "stolen").c_str()) == 0; }));
  EXPECT_TRUE(in_a_child([&] { return opens(other / "file", O_RDONLY); })) << "it can be opened";
}

TEST_F(RestrictedFiles, NothingIsExecuted) {
  auto const executes = [] {
    return in_a_child([] {
      ::execl("/bin/true", "true", nullptr);
      return false;
    });
  };
  EXPECT_TRUE(in_a_child(executes));
  EXPECT_FALSE(restricted(executes));
}

TEST_F(RestrictedFiles, ThreadsThatComeLaterAreRestrictedToo) {
  EXPECT_FALSE(restricted([&] {
    bool opened = false;
    std::thread{[&] { opened = opens(other / "file", O_RDONLY); }}.join();
    return opened;
  }));
}

TEST_F(RestrictedFiles, WhatIsOpenStaysOpen) {
  auto const file = open_file(other / "file", O_RDONLY);
  ASSERT_TRUE(file);
  EXPECT_TRUE(restricted([&] {
    char byte = 0;
    return ::pread(file->number(), &byte, 1, 0) == 1;
  }));
}

TEST_F(RestrictedFiles, ADirectoryToKeepThatIsNotThereIsAnError) {
  EXPECT_TRUE(in_a_child([&] {
    auto const result = restrict_files({.kept = {kept / "nowhere"}, .read = {}, .run = {}});
    return !result && result.error().fault != Fault::unavailable && opens(other / "file", O_RDONLY);
  }));
}

}  // namespace
}  // namespace chisme::node
