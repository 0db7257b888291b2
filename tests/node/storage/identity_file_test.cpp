#include "node/storage/identity_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "tests/node/storage/disk.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// The lock lasts as long as a process: each start happens in a child, which sends back one line.
std::string in_child(std::function<std::string()> const& run) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  pid_t const child = ::fork();
  if (child == 0) {
    std::string const line = run();
    static_cast<void>(!::write(ends[1], line.data(), line.size()));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string line;
  std::array<char, 4096> block{};
  for (ssize_t got = 0; (got = ::read(ends[0], block.data(), block.size())) > 0;) {
    line.append(block.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return line;
}

std::string describe(Result<Identity> const& identity) {
  if (!identity)
    return std::string(to_string(identity.error().fault)) + ": " + identity.error().message;
  return to_string(identity->id) + " " + std::to_string(identity->epoch.value());
}

std::string start(fs::path const& data) {
  return in_child([&] { return describe(start_identity(data)); });
}

TEST(IdentityFile, TheIdStaysAndTheEpochRisesAtEachStart) {
  TemporaryDirectory const directory;
  fs::path const data = directory.path() / "new" / "node";
  std::string const first = start(data);
  std::string const id = first.substr(0, 32);
  EXPECT_TRUE(parse_node_id(id)) << first;
  EXPECT_EQ(first, id + " 1");
  EXPECT_EQ(start(data), id + " 2");
  EXPECT_EQ(start(data), id + " 3");
}

TEST(IdentityFile, TwoNewDirectoriesGetTwoIds) {
  TemporaryDirectory const directory;
  EXPECT_NE(start(directory.path() / "a"), start(directory.path() / "b"));
}

TEST(IdentityFile, ASecondProcessOnTheDirectoryIsToldThatItIsBusyAndChangesNothing) {
  TemporaryDirectory const directory;
  std::string const second = in_child([&] {
    if (!start_identity(directory.path())) return std::string("the first failed");
    return start(directory.path());
  });
  EXPECT_THAT(second,
              testing::StartsWith("busy: another process uses " + directory.path().string()));
  EXPECT_THAT(start(directory.path()), HasSubstr(" 2"));
}

TEST(IdentityFile, TheNewEpochIsSyncedBeforeTheStartGoesOn) {
  TemporaryDirectory const directory;
  std::string const calls = in_child([&] {
    DiskWatch const watch;
    static_cast<void>(start_identity(directory.path()));
    std::string all;
    for (std::string const& call : watch.calls()) all += call + "\n";
    return all;
  });
  std::string const file = (directory.path() / "node.toml").string();
  EXPECT_EQ(calls,
            "sync " + file + ".new\nrename " + file + "\nsync " + directory.path().string() + "\n");
}

TEST(IdentityFile, AFailedSyncKeepsTheOldFile) {
  TemporaryDirectory const directory;
  std::string const id = start(directory.path()).substr(0, 32);
  std::string const failed = in_child([&] {
    DiskWatch const watch("node.toml.new");
    return describe(start_identity(directory.path()));
  });
  EXPECT_THAT(failed, testing::StartsWith("io: "));
  EXPECT_EQ(start(directory.path()), id + " 2");
}

TEST(IdentityFile, WhatDoesNotParseIsCorruptAndLeftAsItIs) {
  TemporaryDirectory const directory;
  fs::path const file = directory.path() / "node.toml";
  std::string const id(32, 'a');
  for (std::string const& text :
       {std::string("id = "), std::string(""), std::string("id = \"12\"\nepoch = 1\n"),
        "id = \"" + id + "\"\n", "id = \"" + id + "\"\nepoch = 0\n",
        "id = \"" + id + "\"\nepoch = 4294967295\n", "id = \"" + id + "\"\nepoch = \"1\"\n",
        "id = \"" + std::string(32, '0') + "\"\nepoch = 1\n"}) {
    write_text(file, text);
    std::string const said = start(directory.path());
    EXPECT_THAT(said, testing::StartsWith("corrupt: " + file.string())) << text;
    EXPECT_EQ(read_text(file), text);
  }
}

TEST(IdentityFile, AFileInPlaceOfTheDirectoryIsASentenceThatSaysWhatToDo) {
  TemporaryDirectory const directory;
  write_text(directory.path() / "taken", "");
  std::string const said = start(directory.path() / "taken");
  EXPECT_THAT(said, testing::StartsWith("io: "));
  EXPECT_THAT(said, HasSubstr("--data"));
}

}  // namespace
}  // namespace chisme::node
