#include "node/storage/quarantine.hpp"

#include <gtest/gtest.h>

#include "tests/node/storage/disk.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

class QuarantineTest : public testing::Test {
 protected:
  fs::path directory() const { return root_.path() / "quarantine"; }
  // Each comes a moment later than the one before, as the file system's clock has it.
  void take(Quarantine& quarantine, std::string const& name, std::size_t size) {
    fs::path const file = root_.path() / name;
    write_text(file, std::string(size, 'x'));
    ASSERT_TRUE(quarantine.take(file));
    EXPECT_FALSE(fs::exists(file));
  }
  bool has(std::string const& name) const { return fs::exists(directory() / name); }

  Fence fence;

 private:
  TemporaryDirectory root_;
};

TEST_F(QuarantineTest, KeepsWhatItIsGivenWithinItsLimitsAndAfterAReopening) {
  {
    Quarantine quarantine{directory(), fence};
    ASSERT_TRUE(quarantine.open());
    take(quarantine, "a", 10);
    EXPECT_EQ(*quarantine.empty_oldest(), 0u);
  }
  Quarantine again{directory(), fence};
  ASSERT_TRUE(again.open());
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(again.contents().files, 1u);
  EXPECT_EQ(again.contents().bytes, ByteCount{10});
}

TEST_F(QuarantineTest, TheOldestGoBeyondSoManyFiles) {
  Quarantine quarantine{directory(), fence, {.files_max = 2}};
  ASSERT_TRUE(quarantine.open());
  for (char const* const name : {"a", "b", "c"}) take(quarantine, name, 1);
  EXPECT_EQ(*quarantine.empty_oldest(), 1u);
  EXPECT_FALSE(has("a"));
  EXPECT_TRUE(has("b") && has("c"));
  EXPECT_EQ(quarantine.contents().files, 2u);
}

TEST_F(QuarantineTest, TheOldestGoBeyondSoManyBytesAndOneThatIsLargerIsNotKept) {
  Quarantine quarantine{directory(), fence, {.bytes_max = ByteCount{100}}};
  ASSERT_TRUE(quarantine.open());
  take(quarantine, "a", 60);
  take(quarantine, "b", 60);
  EXPECT_EQ(*quarantine.empty_oldest(), 1u);
  EXPECT_FALSE(has("a"));
  EXPECT_TRUE(has("b"));
  take(quarantine, "c", 101);
  EXPECT_EQ(*quarantine.empty_oldest(), 2u);
  EXPECT_EQ(quarantine.contents().files, 0u);
}

TEST_F(QuarantineTest, WhatIsOldEnoughGoes) {
  {
    Quarantine quarantine{directory(), fence};
    ASSERT_TRUE(quarantine.open());
    take(quarantine, "a", 1);
  }
  Quarantine quarantine{directory(), fence, {.age_max = Duration{}}};
  ASSERT_TRUE(quarantine.open());
  EXPECT_FALSE(has("a"));
}

}  // namespace
}  // namespace chisme::node
