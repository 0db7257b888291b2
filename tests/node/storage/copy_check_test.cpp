#include "node/storage/copy_check.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/node/storage/stored_objects.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

using CopyCheckTest = ObjectStoreTest;

TEST_F(CopyCheckTest, VerifyMovesAFlippedBitToQuarantineAndTheObjectMayBeStoredAgain) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  Digest const digest = *parse_digest(abc_hex);
  EXPECT_TRUE(verify(*objects, digest));
  write_text(abc_path(), "abb");
  EXPECT_EQ(verify(*objects, digest).error().fault, Fault::corrupt);
  EXPECT_EQ(objects->open_object(digest).error().fault, Fault::not_found);
  EXPECT_EQ(verify(*objects, digest).error().fault, Fault::not_found);
  EXPECT_EQ(count(data() / "quarantine"), 1u);
  ASSERT_TRUE(store(*objects, "abc"));
  EXPECT_TRUE(verify(*objects, digest));
}

TEST_F(CopyCheckTest, ACopyThatRottedIsSyncedIntoQuarantineAndOutOfItsDirectory) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  write_text(abc_path(), "abb");
  DiskWatch const watch;
  auto const verified = verify(*objects, *parse_digest(abc_hex));
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("quarantine"));
  std::string const quarantine = (data() / "quarantine").string();
  EXPECT_THAT(watch.calls(),
              ElementsAre("rename " + quarantine + "/" + abc_path().filename().string(),
                          "sync " + quarantine, "sync " + abc_path().parent_path().string()));
  EXPECT_EQ(objects->quarantine().contents().files, 1u);
  EXPECT_EQ(objects->quarantine().contents().bytes, ByteCount{3});
}

TEST_F(CopyCheckTest, ACopyOfAnotherLengthOrThatCannotBeReadIsCorrupt) {
  auto objects = open();
  Digest const digest = *parse_digest(abc_hex);
  for (auto const& damage : std::vector<std::function<void()>>{
           [&] { fs::resize_file(abc_path(), 2); }, [&] { fs::resize_file(abc_path(), 4); },
           [&] { fs::remove(abc_path()), fs::create_directory(abc_path()); }}) {
    ASSERT_TRUE(store(*objects, "abc"));
    damage();
    EXPECT_EQ(verify(*objects, digest).error().fault, Fault::corrupt);
    EXPECT_FALSE(objects->has(digest)) << "it is not served any more";
    fs::remove_all(data() / "quarantine" / abc_path().filename());
  }
}

TEST_F(CopyCheckTest, ACopyThatShrinksWhileItIsReadIsCorrupt) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  auto check = objects->begin_check(*parse_digest(abc_hex));
  ASSERT_TRUE(check && check->advance(1));
  fs::resize_file(abc_path(), 1);
  EXPECT_FALSE(check->advance(1));
  EXPECT_EQ(objects->finish_check(std::move(*check)).error().fault, Fault::corrupt);
}

TEST_F(CopyCheckTest, ACopyThatWasReplacedWhileItsBadPredecessorWasReadIsIntact) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  write_text(abc_path(), "abb");
  auto check = objects->begin_check(*parse_digest(abc_hex));
  ASSERT_TRUE(check);
  ASSERT_TRUE(store(*objects, "abc"));
  while (check->advance(1)) {
  }
  EXPECT_TRUE(objects->finish_check(std::move(*check)));
  EXPECT_EQ(read_text(abc_path()), "abc");
}

TEST_F(CopyCheckTest, ACheckThatCannotBeginForWantOfDescriptorsSaysNothingOfTheCopy) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  Digest const digest = *parse_digest(abc_hex);
  {
    NoDescriptorsLeft const shortage;
    EXPECT_EQ(objects->begin_check(digest).error().fault, Fault::io);
  }
  EXPECT_TRUE(verify(*objects, digest));
}

TEST_F(CopyCheckTest, AFileThatSomebodyElseRemovedIsNotThereAndNotInQuarantine) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  fs::remove(abc_path());
  EXPECT_EQ(verify(*objects, *parse_digest(abc_hex)).error().fault, Fault::not_found);
  EXPECT_FALSE(objects->has(*parse_digest(abc_hex)));
  EXPECT_EQ(count(data() / "quarantine"), 0u);
}

// How many pages of the file the kernel has in memory.
std::size_t pages_in_memory(fs::path const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::size_t const size = fs::file_size(path);
  std::vector<unsigned char> pages((size + 4095) / 4096);
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  EXPECT_NE(mapped, MAP_FAILED);
  EXPECT_EQ(::mincore(mapped, size, pages.data()), 0);
  ::munmap(mapped, size);
  return static_cast<std::size_t>(
      std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

TEST_F(CopyCheckTest, ACheckReadsTheDiskAndLeavesNothingOfItInMemory) {
  if (is_in_memory()) GTEST_SKIP() << data() << " is in memory";
  auto objects = open();
  auto const stored = store(*objects, std::string(3'000'000, 'x'));
  ASSERT_TRUE(stored);
  std::string const hex = to_hex(stored->digest);
  fs::path const path = data() / "objects" / hex.substr(0, 2) / (hex + "-3000000");
  EXPECT_GT(pages_in_memory(path), 0u);
  auto check = objects->begin_check(stored->digest);
  ASSERT_TRUE(check);
  EXPECT_EQ(pages_in_memory(path), 0u);
  while (check->advance(1u << 20)) {
  }
  EXPECT_EQ(check->read_so_far(), ByteCount{3'000'000});
  EXPECT_TRUE(objects->finish_check(std::move(*check)));
  EXPECT_EQ(pages_in_memory(path), 0u);
}

}  // namespace
}  // namespace chisme::node
