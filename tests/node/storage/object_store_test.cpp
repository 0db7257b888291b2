#include "node/storage/object_store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "tests/node/storage/stored_objects.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ObjectStoreTest, StoresUnderTheSha256AndReadsBack) {
  auto objects = open();
  auto const stored = store(*objects, "abc");
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(to_hex(stored->digest), abc_hex);
  EXPECT_EQ(stored->size, ByteCount{3});
  auto const file = objects->open_object(stored->digest);
  ASSERT_TRUE(file);
  EXPECT_EQ(bytes_of(**file), "abc");
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, AnEmptyObjectIsAnObject) {
  auto objects = open();
  auto const stored = store(*objects, "");
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(to_hex(stored->digest), empty_hex);
  EXPECT_TRUE(objects->open_object(stored->digest));
}

TEST_F(ObjectStoreTest, SurvivesReopening) {
  ASSERT_TRUE(store(*open(), "abc"));
  auto objects = open();
  auto const found = objects->objects();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(to_hex(found.front().digest), abc_hex);
  EXPECT_EQ(found.front().size, ByteCount{3});
  EXPECT_TRUE(objects->open_object(*parse_digest(abc_hex)));
}

TEST_F(ObjectStoreTest, AStartSyncsADirectoryUnlessAllInItIsKnownToHaveBeenSynced) {
  ASSERT_TRUE(store(*open(), "abc"));
  std::string const objects_path = (data() / "objects").string();
  for (bool const is_known : {false, true}) {
    DiskWatch const watch;
    auto const objects = ObjectStore::open(data(), {}, std::make_shared<Fence>(),
                                           {.was_synced = [&](Digest const&) { return is_known; }});
    ASSERT_TRUE(objects);
    EXPECT_EQ((*objects)->objects().size(), 1u);
    if (is_known) {
      EXPECT_THAT(watch.calls(), ElementsAre("sync " + objects_path));
    } else {
      EXPECT_THAT(watch.calls(),
                  ElementsAre("sync " + objects_path + "/ba", "sync " + objects_path));
    }
  }
}

TEST_F(ObjectStoreTest, SyncsTheFileThenRenamesThenSyncsItsDirectoryAndAnyNewParent) {
  auto objects = open();
  std::string const objects_path = (data() / "objects").string();
  auto staged = objects->stage(std::nullopt);
  ASSERT_TRUE(staged);
  ASSERT_TRUE(staged->append(std::as_bytes(std::span("abc", 3))));
  DiskWatch const watch;
  ASSERT_TRUE(objects->commit(std::move(*staged), std::nullopt));
  EXPECT_THAT(watch.calls(),
              ElementsAre("sync " + (staging() / "0").string(), "sync " + objects_path,
                          "rename " + abc_path().string(), "sync " + objects_path + "/ba"));
}

TEST_F(ObjectStoreTest, AfterAFailedSyncOfAFileNothingIsTakenOrRemovedAndWhatWasThereIsRead) {
  auto objects = open();
  auto const before = store(*objects, "before");
  ASSERT_TRUE(before);
  {
    DiskWatch const watch("staging/1");
    auto const stored = store(*objects, "abc");
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().fault, Fault::io);
    EXPECT_EQ(stored.error().system_error, EIO);
    EXPECT_THAT(watch.calls(), ElementsAre("sync " + (staging() / "1").string()));
  }
  EXPECT_EQ(count(staging()), 0u);
  DiskWatch const watch;
  EXPECT_EQ(objects->open_object(*parse_digest(abc_hex)).error().fault, Fault::not_found);
  auto const again = store(*objects, "abc");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::unavailable);
  EXPECT_THAT(again.error().message, HasSubstr((staging() / "1").string()));
  EXPECT_THAT(again.error().message, HasSubstr("Input/output error"));
  EXPECT_EQ(remove(*objects, before->digest).error().fault, Fault::unavailable);
  EXPECT_EQ(bytes_of(**objects->open_object(before->digest)), "before");
  EXPECT_THAT(watch.calls(), testing::IsEmpty());
  objects.reset();
  EXPECT_TRUE(store(*open(), "abc"));
}

TEST_F(ObjectStoreTest, AfterAFailedSyncOfADirectoryNothingIsPromisedUntilARestart) {
  auto objects = open();
  {
    DiskWatch const watch("objects/ba");
    EXPECT_EQ(store(*objects, "abc").error().fault, Fault::io);
  }
  EXPECT_EQ(objects->open_object(*parse_digest(abc_hex)).error().fault, Fault::not_found);
  EXPECT_FALSE(fs::exists(abc_path()));
  auto const again = store(*objects, "abc");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("restarted"));
  EXPECT_TRUE(store(*open(), "abc"));
}

TEST_F(ObjectStoreTest, WhatIsStillArrivingWhenASyncFailsIsRefusedWithoutASync) {
  auto objects = open();
  auto arriving = objects->stage(std::nullopt);
  ASSERT_TRUE(arriving);
  {
    DiskWatch const watch("staging/1");
    EXPECT_FALSE(store(*objects, "abc"));
  }
  DiskWatch const watch;
  auto const late = objects->commit(std::move(*arriving), std::nullopt);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::unavailable);
  EXPECT_THAT(watch.calls(), testing::IsEmpty());
}

TEST_F(ObjectStoreTest, AfterAFailedSyncOfANewDirectorysParentNothingIsPromisedUntilARestart) {
  auto objects = open();
  {
    DiskWatch const watch("objects");
    EXPECT_FALSE(store(*objects, "abc"));
  }
  EXPECT_FALSE(fs::exists(abc_path().parent_path())) << "it is not known to be on disk";
  EXPECT_FALSE(store(*objects, "abc")) << "a second sync would say nothing of the first";
  objects.reset();
  EXPECT_TRUE(store(*open(), "abc"));
}

TEST_F(ObjectStoreTest, AShortageOfFileDescriptorsChangesNothingAndPasses) {
  auto objects = open();
  Digest const digest = *parse_digest(abc_hex);
  ASSERT_TRUE(store(*objects, "abc"));
  {
    NoDescriptorsLeft const shortage;
    EXPECT_FALSE(remove(*objects, digest));
  }
  EXPECT_TRUE(objects->open_object(digest));
  ASSERT_TRUE(remove(*objects, digest));
  auto staged = objects->stage(ByteCount{3});
  ASSERT_TRUE(staged && staged->append(std::as_bytes(std::span("abc", 3))));
  {
    NoDescriptorsLeft const shortage;
    EXPECT_FALSE(objects->commit(std::move(*staged), std::nullopt));
  }
  EXPECT_FALSE(fs::exists(abc_path()));
  auto const stored = store(*objects, "abc");
  EXPECT_TRUE(stored) << stored.error().message;
}

TEST_F(ObjectStoreTest, ADigestThatDiffersFromTheAnnouncedOneStoresNothing) {
  auto objects = open();
  auto const stored = store(*objects, "abd", parse_digest(abc_hex));
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().fault, Fault::digest_mismatch);
  EXPECT_THAT(objects->objects(), IsEmpty());
  EXPECT_EQ(count(staging()), 0u);
  EXPECT_TRUE(store(*objects, "abc", parse_digest(abc_hex)));
}

TEST_F(ObjectStoreTest, DestroyingAStagingFileRemovesIt) {
  auto objects = open();
  {
    auto const staged = objects->stage(std::nullopt);
    ASSERT_TRUE(staged);
    EXPECT_EQ(count(staging()), 1u);
  }
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, OpeningEmptiesStaging) {
  static_cast<void>(open());
  write_text(staging() / "7", "half an upload");
  fs::create_directory(staging() / "stray");
  auto objects = open();
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, ReservedRoomThatWasNotUsedIsGivenBack) {
  auto objects = open();
  auto staged = objects->stage(ByteCount{1 << 20});
  ASSERT_TRUE(staged);
  ASSERT_TRUE(staged->append(std::as_bytes(std::span("abc", 3))));
  ASSERT_TRUE(objects->commit(std::move(*staged), std::nullopt));
  struct stat found{};
  ASSERT_EQ(::stat(abc_path().c_str(), &found), 0);
  EXPECT_EQ(found.st_size, 3);
  EXPECT_LT(found.st_blocks * 512, 1 << 16);
}

TEST_F(ObjectStoreTest, CommittingAPresentObjectAgainReplacesACopyThatRotted) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  write_text(abc_path(), "abb");
  ASSERT_TRUE(store(*objects, "abc"));
  EXPECT_EQ(read_text(abc_path()), "abc");
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, CommittingATruncatedObjectAgainRepairsIt) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  fs::resize_file(abc_path(), 1);
  ASSERT_TRUE(store(*objects, "abc"));
  EXPECT_EQ(read_text(abc_path()), "abc");
}

TEST_F(ObjectStoreTest, ATruncatedObjectIsCorruptNotShort) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  fs::resize_file(abc_path(), 2);
  EXPECT_EQ(objects->open_object(*parse_digest(abc_hex)).error().fault, Fault::corrupt);
}

TEST_F(ObjectStoreTest, AnObjectThatWasTruncatedWhileStoppedGoesToQuarantineAtOpen) {
  ASSERT_TRUE(store(*open(), "abc"));
  fs::resize_file(abc_path(), 2);
  auto objects = open();
  EXPECT_EQ(objects->open_object(*parse_digest(abc_hex)).error().fault, Fault::not_found);
  EXPECT_EQ(count(data() / "quarantine"), 1u);
}

TEST_F(ObjectStoreTest, AnOpenObjectIsReadableAfterItsRemoval) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  Digest const digest = *parse_digest(abc_hex);
  auto const file = objects->open_object(digest);
  ASSERT_TRUE(file);
  ASSERT_TRUE(remove(*objects, digest));
  EXPECT_EQ(bytes_of(**file), "abc");
  EXPECT_EQ(objects->open_object(digest).error().fault, Fault::not_found);
  EXPECT_EQ(remove(*objects, digest).error().fault, Fault::not_found);
  EXPECT_FALSE(fs::exists(abc_path()));
}

TEST_F(ObjectStoreTest, ARemovalThatWasDecidedBeforeTheSameBytesCameAgainLeavesThem) {
  auto objects = open();
  ASSERT_TRUE(store(*objects, "abc"));
  Digest const digest = *parse_digest(abc_hex);
  EXPECT_FALSE(objects->settled_copy(digest)) << "the host does not know of it yet";
  objects->settle(digest);
  auto const decided = objects->settled_copy(digest);
  ASSERT_TRUE(decided);
  ASSERT_TRUE(store(*objects, "abc"));
  EXPECT_FALSE(objects->settled_copy(digest)) << "there is news again";
  EXPECT_EQ(objects->remove(digest, *decided).error().fault, Fault::not_found);
  EXPECT_TRUE(verify(*objects, digest));
  objects->settle(digest);
  ASSERT_TRUE(objects->settled_copy(digest));
  EXPECT_TRUE(objects->remove(digest, *objects->settled_copy(digest)));
  EXPECT_FALSE(objects->has(digest));
}

TEST_F(ObjectStoreTest, WhatWasThereAtTheStartIsSettled) {
  ASSERT_TRUE(store(*open(), "abc"));
  auto objects = open();
  auto const copy = objects->settled_copy(*parse_digest(abc_hex));
  ASSERT_TRUE(copy);
  EXPECT_TRUE(objects->remove(*parse_digest(abc_hex), *copy));
}

TEST_F(ObjectStoreTest, RemovalsAndCommitsOfOneObjectNeverLoseTheLastCommit) {
  auto objects = open();
  Digest const digest = *parse_digest(abc_hex);
  std::atomic<bool> done{false};
  std::thread remover([&] {
    while (!done) {
      auto const copy = objects->settled_copy(digest);
      if (copy) static_cast<void>(objects->remove(digest, *copy));
    }
  });
  int lost = 0;
  for (int i = 0; i < 200; ++i) {
    if (!store(*objects, "abc") || !objects->open_object(digest)) ++lost;
    objects->settle(digest);
  }
  done = true;
  remover.join();
  EXPECT_EQ(lost, 0) << "a copy that the host did not know of was removed";
}

TEST_F(ObjectStoreTest, ManyThreadsCommitTheSameAndOtherObjects) {
  auto objects = open();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        std::string const own = "of thread " + std::to_string(thread) + " " + std::to_string(i);
        if (!store(*objects, "shared " + std::to_string(i)) || !store(*objects, own)) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(objects->objects().size(), 20u + 8u * 20u);
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, AFileInPlaceOfTheDirectoryIsASentenceThatSaysWhatToDo) {
  write_text(data() / "taken", "");
  auto const store = ObjectStore::open(data() / "taken");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().fault, Fault::io);
  EXPECT_THAT(store.error().message, HasSubstr("taken"));
  EXPECT_THAT(store.error().message, HasSubstr("--data"));
}

TEST_F(ObjectStoreTest, MoreThanAnyDiskHasIsRefusedBeforeTheFirstByte) {
  auto objects = open();
  auto const staged = objects->stage(ByteCount{std::uint64_t{1} << 62});
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().fault, Fault::no_space);
  EXPECT_EQ(objects->stage(ByteCount{~std::uint64_t{0}}).error().fault, Fault::no_space);
  EXPECT_EQ(count(staging()), 0u);
}

TEST_F(ObjectStoreTest, OpensNoFileBeyondItsShareOfTheDescriptors) {
  auto objects = open();
  Digest const digest = store(*objects, "abc")->digest;
  int const next = open_directory("/")->number();
  objects.reset();
  objects = *ObjectStore::open(data(), {.descriptors = next + 1});
  auto const first = objects->open_object(digest);
  ASSERT_TRUE(first);
  auto const second = objects->open_object(digest);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().fault, Fault::busy);
  auto const staged = objects->stage(std::nullopt);
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().fault, Fault::busy);
  EXPECT_EQ(count(staging()), 0u);
  EXPECT_TRUE(objects->has(digest)) << "which says nothing about the copy";
}

TEST_F(ObjectStoreTest, AWriteThatFailsMakesTheCommitFailToo) {
  auto objects = open();
  auto staged = objects->stage(std::nullopt);
  ASSERT_TRUE(staged);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit const small{2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto const appended = staged->append(std::as_bytes(std::span("abc", 3)));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().fault, Fault::io);
  EXPECT_FALSE(objects->commit(std::move(*staged), std::nullopt));
  EXPECT_THAT(objects->objects(), IsEmpty());
  EXPECT_EQ(count(staging()), 0u);
}

// A file system of its own of 1 MiB; needs the right to mount.
class FullDiskTest : public ObjectStoreTest {
 protected:
  void SetUp() override {
    if (::mount("none", data().c_str(), "tmpfs", 0, "size=1m") != 0) {
      GTEST_SKIP() << "mounting a small file system is not permitted here";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(data().c_str(), MNT_DETACH);
  }

 private:
  bool mounted_ = false;
};

TEST_F(FullDiskTest, RoomThatIsNotThereIsNoticedWhenReserving) {
  auto objects = open();
  auto const staged = objects->stage(ByteCount{2 << 20});
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().fault, Fault::no_space);
  EXPECT_TRUE(store(*objects, std::string(100'000, 'x'))) << "smaller ones still fit";
  EXPECT_GT(objects->used_ratio(), 0.05);
  EXPECT_LT(objects->used_ratio(), 0.9);
}

TEST_F(FullDiskTest, ObjectsLeaveRoomForTheCatalogue) {
  auto objects = open();
  std::string const block(4096, 'x');
  auto staged = objects->stage(std::nullopt);
  ASSERT_TRUE(staged);
  while (staged->append(std::as_bytes(std::span(block)))) {
  }
  fs::space_info const left = fs::space(data());
  EXPECT_GE(left.available + block.size(), left.capacity / 20);
  EXPECT_LT(left.available, left.capacity / 10);
  EXPECT_EQ(objects->stage(ByteCount{left.available}).error().fault, Fault::no_space);
}

TEST_F(FullDiskTest, ADiskThatOthersFilledHasNoRoomForTheCatalogue) {
  auto objects = open();
  EXPECT_TRUE(objects->check_catalogue_room());
  write_text(data() / "of somebody else", std::string(1 << 20, 'x'));
  EXPECT_EQ(objects->check_catalogue_room().error().fault, Fault::no_space);
  fs::remove(data() / "of somebody else");
  EXPECT_TRUE(objects->check_catalogue_room());
}

TEST_F(FullDiskTest, NothingIsTakenWhileTheCatalogueIsFull) {
  auto objects = open();
  objects->catalogue_is_full(true);
  EXPECT_EQ(objects->stage(ByteCount{1}).error().fault, Fault::no_space);
  EXPECT_EQ(objects->check_catalogue_room().error().fault, Fault::no_space);
  EXPECT_EQ(objects->used_ratio(), 1);
  objects->catalogue_is_full(false);
  EXPECT_TRUE(store(*objects, "abc"));
  EXPECT_TRUE(objects->check_catalogue_room());
}

TEST_F(FullDiskTest, RoomThatRunsOutWhileWritingLeavesTheDiskAsItWas) {
  auto objects = open();
  {
    auto staged = objects->stage(std::nullopt);
    ASSERT_TRUE(staged);
    std::string const block(300'000, 'x');
    Result<void> appended;
    for (int i = 0; i < 8 && appended; ++i) {
      appended = staged->append(std::as_bytes(std::span(block)));
    }
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().fault, Fault::no_space);
  }
  EXPECT_LT(objects->used_ratio(), 0.1);
  EXPECT_TRUE(store(*objects, "abc"));
}

}  // namespace
}  // namespace chisme::node
