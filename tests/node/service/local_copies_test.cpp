#include "node/local_copies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <fstream>
#include <future>
#include <variant>
#include <vector>

#include "node/clock.hpp"
#include "node/load_counters.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using cluster::ObjectRemoved;
using cluster::ObjectVerified;

constexpr ByteCount fast{std::uint64_t{1} << 30};

struct LocalCopiesTest : testing::Test {
  LocalCopiesTest() : objects{std::move(*ObjectStore::open(directory.path()))} {}

  void begin(ByteCount scrub_rate = fast) {
    copies.emplace(loop,
                   LocalCopies::Host{*objects, disk, counters,
                                     [this](cluster::Input input) { told.push_back(input); }},
                   scrub_rate);
  }
  // A copy that the core does not know of yet.
  Digest commit(std::string const& bytes) {
    auto staged = objects->stage(std::nullopt);
    EXPECT_TRUE(staged && staged->append(std::as_bytes(std::span(bytes))));
    auto const stored = objects->commit(std::move(*staged), std::nullopt);
    EXPECT_TRUE(stored);
    return stored->digest;
  }
  Digest store(std::string const& bytes) {
    Digest const digest = commit(bytes);
    copies->stored(digest);
    return digest;
  }
  fs::path path_of(Digest const& digest) const {
    std::string const hex = to_hex(digest);
    for (auto const& entry :
         fs::directory_iterator(directory.path() / "objects" / hex.substr(0, 2))) {
      if (entry.path().filename().string().starts_with(hex)) return entry.path();
    }
    return {};
  }
  void damage(Digest const& digest) const {
    std::ofstream(path_of(digest), std::ios::binary | std::ios::in) << "rot";
  }
  // Runs the loop until the core was told so many things.
  void await(std::size_t count) {
    auto const deadline = steady_now() + std::chrono::seconds{20};
    while (told.size() < count && steady_now() < deadline) {
      loop.run_one_for(std::chrono::milliseconds{20});
    }
    ASSERT_GE(told.size(), count);
  }
  // Lets everything end that has begun: what comes after it on the disk's one thread, and its news.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      std::promise<void> reached;
      ASSERT_TRUE(disk.post([&] { reached.set_value(); }));
      reached.get_future().wait();
      while (loop.poll() > 0) {
      }
    }
  }
  template <class Kind>
  Kind const& only() const {
    EXPECT_EQ(told.size(), 1u);
    return std::get<Kind>(told.at(0));
  }

  test::Directory directory;
  std::unique_ptr<ObjectStore> objects;
  asio::io_context loop;
  asio::executor_work_guard<asio::io_context::executor_type> guard{loop.get_executor()};
  LoadCounters counters;
  std::vector<cluster::Input> told;
  DiskPool disk{1};
  std::optional<LocalCopies> copies;
};

TEST_F(LocalCopiesTest, ARemovalIsToldOnceTheBytesAreGone) {
  begin();
  Digest const digest = store("abc");
  fs::path const path = path_of(digest);
  copies->remove(digest);
  await(1);
  EXPECT_EQ(only<ObjectRemoved>().digest, digest);
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(counters.copies_removed, 1u);
}

TEST_F(LocalCopiesTest, RemovingWhatIsNotThereIsToldToo) {
  begin();
  copies->remove(Digest{});
  await(1);
  EXPECT_EQ(only<ObjectRemoved>().digest, Digest{});
}

TEST_F(LocalCopiesTest, ACopyThatTheCoreHasNotHeardOfIsNotRemoved) {
  begin();
  Digest const digest = commit("abc");
  copies->remove(digest);
  settle();
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(objects->open_object(digest));
}

TEST_F(LocalCopiesTest, BytesThatComeAgainWhileTheirRemovalWaitsStay) {
  begin();
  Digest const digest = store("abc");
  std::promise<void> go_on;
  ASSERT_TRUE(disk.post([waits = go_on.get_future().share()] { waits.wait(); }));
  copies->remove(digest);
  while (loop.poll() > 0) {
  }
  EXPECT_EQ(commit("abc"), digest);  // an upload, which may be acknowledged from here on
  go_on.set_value();
  settle();
  EXPECT_TRUE(told.empty()) << "the core is told of the new copy, not of the end of the old one";
  EXPECT_TRUE(objects->open_object(digest));
  copies->stored(digest);
  copies->remove(digest);
  await(1);
  EXPECT_FALSE(objects->has(digest));
}

TEST_F(LocalCopiesTest, OfACopyThatCameAfterARemovalTheRemovalIsNotTold) {
  begin();
  Digest const digest = store("abc");
  copies->remove(digest);
  while (loop.poll() > 0) {
  }
  std::promise<void> removed;
  ASSERT_TRUE(disk.post([&] { removed.set_value(); }));
  removed.get_future().wait();
  ASSERT_FALSE(objects->has(digest));
  commit("abc");
  settle();
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(objects->has(digest));
}

TEST_F(LocalCopiesTest, VerificationTellsWhetherACopyIsIntact) {
  begin();
  Digest const good = store("good");
  Digest const bad = store("some that rot");
  damage(bad);
  copies->verify(good, false);
  copies->verify(bad, true);
  await(2);
  for (cluster::Input const& input : told) {
    auto const& verified = std::get<ObjectVerified>(input);
    EXPECT_EQ(verified.intact, verified.digest == good);
  }
  EXPECT_EQ(counters.copies_verified, 1u);
  EXPECT_EQ(counters.copies_corrupt, 1u);
  EXPECT_EQ(objects->quarantine().contents().files, 1u);
  EXPECT_FALSE(objects->open_object(bad));
}

TEST_F(LocalCopiesTest, AQuestionAboutACopyThatIsNotThereIsAnswered) {
  begin();
  copies->verify(Digest{}, true);
  await(1);
  EXPECT_FALSE(only<ObjectVerified>().intact);
}

TEST_F(LocalCopiesTest, WhatAReaderSuspectsIsToldOnlyIfItIsSo) {
  begin();
  Digest const good = store("good");
  Digest const bad = store("some that rot");
  damage(bad);
  copies->suspect(good);
  copies->suspect(bad);
  await(1);
  settle();
  EXPECT_EQ(only<ObjectRemoved>().digest, bad);
  copies->suspect(bad);
  await(2);
  EXPECT_EQ(std::get<ObjectRemoved>(told[1]).digest, bad) << "the core must not go on naming it";
}

TEST_F(LocalCopiesTest, AScrubReadsNoFasterThanItsRateAndAnUrgentQuestionDoesNotWaitForIt) {
  begin(ByteCount{20u << 20});  // a piece each 50 ms
  Digest const large = store(std::string(4u << 20, 'x'));
  Digest const small = store("small");
  Instant const began = steady_now();
  copies->verify(large, false);
  copies->verify(small, true);
  await(1);
  EXPECT_EQ(only<ObjectVerified>().digest, small);
  await(2);
  EXPECT_GE(steady_now() - began, std::chrono::milliseconds{150});
  EXPECT_EQ(counters.bytes_verified, (4u << 20) + 5);
}

}  // namespace
}  // namespace chisme::node
