#include "node/catalogue_writer.hpp"

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <future>
#include <vector>

#include "tests/cluster/catalogue/records.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

using namespace cluster::testing;
using cluster::SaveId;

struct CatalogueWriterTest : ::testing::Test {
  void save(std::uint64_t id, cluster::CatalogueRecord record) {
    cluster::SaveCatalogue save;
    save.save = SaveId{id};
    save.records = {std::move(record)};
    writer.save(std::move(save));
  }

  test::Directory directory;
  std::unique_ptr<CatalogueStore> store = std::move(*CatalogueStore::open(directory.path()));
  DiskPool disk{1};
  asio::io_context loop;
  std::vector<SaveId> saved;
  CatalogueWriter writer{loop, *store, disk, [this](SaveId id) { saved.push_back(id); },
                         [](bool) {}};
};

TEST_F(CatalogueWriterTest, WhatGathersWhileTheDiskIsSlowIsBoundedByTheCatalogue) {
  std::promise<void> slow;
  ASSERT_TRUE(disk.post([gate = slow.get_future().share()] { gate.wait(); }));
  save(1, put({1, 1}, "first", 1));
  loop.run_for(std::chrono::milliseconds{20});
  for (std::uint64_t i = 2; i <= 5'000; ++i) {
    save(i, put({1, i}, "name " + std::to_string(i % 3), i));
  }
  EXPECT_LE(writer.waiting(), 3u);
  slow.set_value();
  auto const work = asio::make_work_guard(loop);
  auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while ((saved.empty() || saved.back() != SaveId{5'000}) &&
         std::chrono::steady_clock::now() < until) {
    loop.run_one_for(std::chrono::milliseconds{100});
  }
  ASSERT_FALSE(saved.empty());
  EXPECT_EQ(saved.back(), SaveId{5'000});
  EXPECT_EQ(store->load()->records.size(), 4u);
}

}  // namespace
}  // namespace chisme::node
