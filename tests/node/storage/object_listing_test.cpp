#include "node/storage/object_listing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/node/storage/stored_objects.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

TEST_F(ObjectStoreTest, AListingTellsObjectsHashesAndWhatIsNoFile) {
  EXPECT_TRUE(list_objects(data() / "objects")->empty());
  fs::path const directory = data() / "objects" / "ba";
  fs::create_directories(directory);
  write_text(abc_path(), "ab");
  fs::create_directory(directory / (std::string(empty_hex) + "-0"));
  write_text(directory / (std::string(abc_hex) + ".chunks"), "");
  write_text(directory / (std::string(abc_hex) + "-3x"), "");
  write_text(directory / (std::string(abc_hex) + "-03"), "");
  write_text(data() / "objects" / "file", "");
  auto const listing = list_objects(data() / "objects");
  ASSERT_TRUE(listing) << listing.error().message;
  ASSERT_EQ(listing->size(), 1u);
  ListedDirectory const& listed = listing->front();
  EXPECT_EQ(listed.path, directory);
  EXPECT_THAT(listed.chunk_files, testing::ElementsAre(*parse_digest(abc_hex)));
  ASSERT_EQ(listed.objects.size(), 2u);
  EXPECT_EQ(listed.objects[0].named.digest, *parse_digest(abc_hex));
  EXPECT_EQ(listed.objects[0].named.size, ByteCount{3});
  EXPECT_EQ(listed.objects[0].bytes, 2u);
  EXPECT_EQ(listed.objects[1].bytes, std::nullopt);
}

TEST_F(ObjectStoreTest, AStartTakesTheListingThatWasMadeMeanwhile) {
  ASSERT_TRUE(store(*open(), "abc"));
  auto open_with = [&](Result<ObjectListing> listing) {
    return ObjectStore::open(data(), {}, std::make_shared<Fence>(),
                             {.listing = std::move(listing)});
  };
  EXPECT_EQ((*open_with(list_objects(data() / "objects")))->objects().size(), 1u);
  EXPECT_TRUE((*open_with(ObjectListing{}))->objects().empty());
  auto const failed = open_with(fail(Fault::io, "no reading"));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("no reading"));
}

}  // namespace
}  // namespace chisme::node
