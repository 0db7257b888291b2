#include "node/storage/access_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <vector>

#include "cluster/wire/messages.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

cluster::AccessNews some_access() {
  WallTime const until{std::chrono::seconds{2'000'000'000}};
  return {.revoked = {{cluster::CredentialKind::token, 1, until},
                      {cluster::CredentialKind::link, 2, until}},
          .uses = {{3, until, {{NodeId{4, 5}, 6}}}}};
}

class AccessFile : public testing::Test {
 protected:
  AccessFile() {
    fs::remove_all(data);
    fs::create_directories(data);
  }
  ~AccessFile() override { fs::remove_all(data); }
  std::string text() const {
    std::ifstream file{data / "access", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  void write(std::string const& bytes) const {
    std::ofstream{data / "access", std::ios::binary} << bytes;
  }

  fs::path data = fs::path{testing::TempDir()} / ("chisme-access-" + std::to_string(::getpid()));
};

TEST_F(AccessFile, ComesBackAsItWas) {
  EXPECT_EQ(read_access_file(data), cluster::AccessNews{});
  ASSERT_TRUE(write_access_file(data, some_access()).has_value());
  EXPECT_EQ(read_access_file(data), some_access());
  ASSERT_TRUE(write_access_file(data, {}).has_value());
  EXPECT_EQ(read_access_file(data), cluster::AccessNews{});
}

TEST_F(AccessFile, WithOneByteChangedOrMissingItIsRefused) {
  ASSERT_TRUE(write_access_file(data, some_access()).has_value());
  std::string const whole = text();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    write(changed);
    auto const read = read_access_file(data);
    ASSERT_FALSE(read.has_value()) << i;
    EXPECT_EQ(read.error().fault, Fault::corrupt);
    write(whole.substr(0, i));
    EXPECT_FALSE(read_access_file(data).has_value()) << i;
  }
  write(whole + "x");
  EXPECT_FALSE(read_access_file(data).has_value());
}

TEST_F(AccessFile, IsSavedAndToldOf) {
  asio::io_context loop;
  DiskPool disk{1};
  std::vector<cluster::AccessSaveId> saved;
  AccessWriter writer{loop, data, disk, std::make_shared<Fence>(),
                      [&](cluster::AccessSaveId save) { saved.push_back(save); }};
  writer.save({cluster::AccessSaveId{3}, some_access()});
  auto const until = std::chrono::steady_clock::now() + 10s;
  while (saved.empty() && std::chrono::steady_clock::now() < until) loop.run_for(10ms);
  EXPECT_EQ(saved, std::vector{cluster::AccessSaveId{3}});
  EXPECT_EQ(read_access_file(data), some_access());
}

TEST_F(AccessFile, WhatCannotBeWrittenClosesTheFence) {
  asio::io_context loop;
  DiskPool disk{1};
  auto const fence = std::make_shared<Fence>();
  int saved = 0;
  AccessWriter writer{loop, data / "nowhere", disk, fence, [&](cluster::AccessSaveId) { ++saved; }};
  writer.save({cluster::AccessSaveId{3}, some_access()});
  auto const until = std::chrono::steady_clock::now() + 10s;
  while (!fence->is_closed() && std::chrono::steady_clock::now() < until) loop.run_for(10ms);
  EXPECT_TRUE(fence->is_closed());
  EXPECT_EQ(saved, 0);
}

}  // namespace
}  // namespace chisme::node
