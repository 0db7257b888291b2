#include "tests/simulation/disk.hpp"

#include <gtest/gtest.h>

#include <set>

namespace chisme::simulation {
namespace {

using namespace cluster;

constexpr std::uint64_t tries = 200;

ObjectStored an_object() {
  ObjectStored object;
  object.digest.bytes[0] = 0xab;
  object.size = ByteCount{1'000};
  return object;
}

// Of `tries` losses of power after `steps`, how many leave the object; what is left is whole.
template <typename Steps>
std::uint64_t survivals(Steps steps) {
  std::uint64_t survived = 0;
  for (std::uint64_t seed = 0; seed < tries; ++seed) {
    Random random{seed};
    Disk disk{NodeId{1, 2}};
    steps(disk);
    disk.lose_power(random, 1);
    Digest const digest = an_object().digest;
    if (!disk.holds(digest)) continue;
    ++survived;
    EXPECT_TRUE(disk.is_intact(digest)) << "seed " << seed;
  }
  return survived;
}

TEST(Disk, AnObjectThatWasKeptInAllStepsSurvivesEveryLossOfPower) {
  EXPECT_EQ(survivals([](Disk& disk) {
              std::string const staged = disk.stage(an_object());
              disk.sync_staged(staged);
              disk.publish(staged, an_object());
              disk.sync_published(an_object());
            }),
            tries);
}

TEST(Disk, AnObjectWhoseDirectoryWasNotSyncedMayBeGone) {
  std::uint64_t const survived = survivals([](Disk& disk) {
    std::string const staged = disk.stage(an_object());
    disk.sync_staged(staged);
    disk.publish(staged, an_object());
  });
  EXPECT_GT(survived, 0u);
  EXPECT_LT(survived, tries);
}

TEST(Disk, AnObjectWhoseBytesWereNotSyncedIsTornAndNoticed) {
  EXPECT_EQ(survivals([](Disk& disk) {
              std::string const staged = disk.stage(an_object());
              disk.publish(staged, an_object());
              disk.sync_published(an_object());
            }),
            0u);
}

TEST(Disk, ARottenCopyIsHeldAndNotIntactUntilItIsReplaced) {
  Disk disk{NodeId{1, 2}};
  auto const keep = [&disk] {
    std::string const staged = disk.stage(an_object());
    disk.sync_staged(staged);
    disk.publish(staged, an_object());
    disk.sync_published(an_object());
  };
  keep();
  disk.rot(an_object().digest);
  EXPECT_TRUE(disk.holds(an_object().digest));
  EXPECT_FALSE(disk.is_intact(an_object().digest));
  keep();
  EXPECT_TRUE(disk.is_intact(an_object().digest));
}

TEST(Disk, TheEpochRisesAcrossLossesOfPower) {
  Random random{5};
  Disk disk{NodeId{1, 2}};
  for (std::uint32_t start = 1; start < 50; ++start) {
    EXPECT_EQ(disk.next_epoch(), Epoch{start});
    disk.lose_power(random, 1);
  }
}

TEST(Disk, OfTheJournalABeginningSurvivesWithAllThatWasSynced) {
  std::set<std::size_t> left;
  for (std::uint64_t seed = 0; seed < tries; ++seed) {
    Random random{seed};
    Disk disk{NodeId{1, 2}};
    for (std::uint64_t i = 1; i <= 5; ++i) {
      SaveCatalogue save;
      PutRecord put;
      put.name = "file-" + std::to_string(i);
      CatalogueRecord& record = save.records.emplace_back();
      record.dot = {NodeId{1, 2}, Epoch{1}, i};
      record.change = put;
      disk.append(save);
    }
    disk.sync_journal(2);
    disk.lose_power(random, 1);
    auto const records = disk.load(WallTime{}).records;
    left.insert(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].dot.sequence, i + 1);
  }
  EXPECT_EQ(left, (std::set<std::size_t>{2, 3, 4, 5}));
}

TEST(FileSystem, ADirectoryThatWasNotSyncedTakesItsFilesWithIt) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < tries; ++seed) {
    Random random{seed};
    FileSystem files;
    files.make_directory("objects/ab");
    files.create("objects/ab/x");
    files.write("objects/ab/x", std::uint64_t{7});
    files.sync_file("objects/ab/x");
    files.sync_directory("objects/ab");
    files.lose_power(random, 1);
    lost = lost || !files.exists("objects/ab/x");
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace chisme::simulation
