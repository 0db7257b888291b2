#include "node/storage/fence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace chisme::node {
namespace {

TEST(Fence, IsOpenWhileEverySyncWorks) {
  Fence fence;
  EXPECT_TRUE(fence.guard({}));
  EXPECT_TRUE(fence.check());
  EXPECT_FALSE(fence.is_closed());
  EXPECT_EQ(fence.reason(), "");
}

TEST(Fence, TheFirstFailureClosesItForGoodAndIsToldOnce) {
  Fence fence;
  std::vector<std::string> told;
  fence.on_close([&](std::string const& reason) { told.push_back(reason); });
  auto const failed = fence.guard(tl::unexpected<Error>(system_failure(EIO, "syncing /d/1")));
  EXPECT_EQ(failed.error().fault, Fault::io);
  EXPECT_FALSE(fence.guard(tl::unexpected<Error>(system_failure(ENOSPC, "syncing /d/2"))));
  EXPECT_TRUE(fence.guard({})) << "a later sync that works";
  ASSERT_FALSE(fence.check());
  EXPECT_EQ(fence.check().error().fault, Fault::unavailable);
  EXPECT_EQ(fence.check().error().system_error, EIO);
  EXPECT_THAT(fence.check().error().message, testing::HasSubstr("syncing /d/1"));
  EXPECT_THAT(told, testing::ElementsAre("syncing /d/1: Input/output error"));
}

}  // namespace
}  // namespace chisme::node
