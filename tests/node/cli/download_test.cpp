#include "node/cli/download.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/cli/part_file.hpp"
#include "tests/node/cli/tiny_server.hpp"
#include "tests/node/storage/disk.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// SHA-256 of "abc" (FIPS 180-4, example 1).
constexpr char const* abc_hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
PartFile::Object const abc{*parse_digest(abc_hex), ByteCount{3}};

std::span<std::byte const> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
void nothing(std::uint64_t) {}

TEST(PartFile, BecomesTheFileOnceItsHashIsRight) {
  TemporaryDirectory const directory;
  fs::path const target = directory.path() / "f";
  auto part = PartFile::open(target, abc);
  ASSERT_TRUE(part) << part.error().message;
  ASSERT_EQ(part->block_count(), 1u);
  ASSERT_TRUE(part->store(0, bytes("abc")));
  EXPECT_FALSE(fs::exists(target));
  ASSERT_TRUE(part->finish(nothing));
  EXPECT_EQ(read_text(target), "abc");
  EXPECT_FALSE(fs::exists(directory.path() / "f.part"));
  EXPECT_FALSE(fs::exists(directory.path() / "f.part.blocks"));
}

TEST(PartFile, OtherBytesAreThrownAwayAndTheOldFileStays) {
  TemporaryDirectory const directory;
  fs::path const target = directory.path() / "f";
  write_text(target, "old");
  auto part = PartFile::open(target, abc);
  ASSERT_TRUE(part->store(0, bytes("abd")));
  EXPECT_EQ(part->finish(nothing).error().fault, Fault::digest_mismatch);
  EXPECT_EQ(read_text(target), "old");
  EXPECT_FALSE(fs::exists(directory.path() / "f.part"));
}

TEST(PartFile, GoesOnWithTheMissingBlocksOfTheSameObjectOnly) {
  TemporaryDirectory const directory;
  fs::path const target = directory.path() / "f";
  PartFile::Object const large{abc.digest, ByteCount{2 * PartFile::block_bytes + 5}};
  std::string const block(PartFile::block_bytes, 'x');
  {
    auto part = PartFile::open(target, large);
    ASSERT_EQ(part->block_count(), 3u);
    EXPECT_EQ(part->size_of(2), ByteCount{5});
    ASSERT_TRUE(part->store(0, bytes(block)));
    ASSERT_TRUE(part->store(2, bytes("last5")));
  }
  {
    auto const again = PartFile::open(target, large);
    EXPECT_TRUE(again->has(0));
    EXPECT_FALSE(again->has(1));
    EXPECT_TRUE(again->has(2));
    EXPECT_EQ(again->bytes_present(), PartFile::block_bytes + 5);
  }
  fs::resize_file(directory.path() / "f.part", PartFile::block_bytes);
  EXPECT_FALSE(PartFile::open(target, large)->has(2)) << "its bytes are gone";
  PartFile::Object const other{Digest{}, large.size};
  EXPECT_EQ(PartFile::open(target, other)->bytes_present(), 0u);
}

// Answers to the range requests and route requests of a download of "abc".
std::string range(std::string const& body, std::string const& etag = abc_hex) {
  return answer(206, body, "ETag: \"" + etag + "\"\r\nContent-Range: bytes 0-2/3\r\n");
}
std::string route(std::vector<Origin> const& holders, std::string const& digest = abc_hex) {
  std::string replicas;
  for (Origin const& holder : holders) {
    replicas +=
        (replicas.empty() ? "" : ",") + std::string("{\"http\":\"") + to_string(holder) + "\"}";
  }
  return answer(200, "{\"sha256\":\"" + digest + "\",\"size\":3,\"version\":\"v\",\"replicas\":[" +
                         replicas + "]}");
}

class DownloadTest : public testing::Test {
 protected:
  Result<void> run(std::vector<Origin> const& holders, Origin const& node) {
    auto part = PartFile::open(directory_.path() / "f", abc);
    Route const known{"v", abc, holders};
    Download::Options options{"f", {node}};
    options.patience = std::chrono::milliseconds{300};
    options.holder_patience = std::chrono::milliseconds{100};
    auto done = Download(options, known, *part).run(nothing);
    return done ? part->finish(nothing) : done;
  }
  std::string file() const { return read_text(directory_.path() / "f"); }

 private:
  TemporaryDirectory directory_;
};

TEST_F(DownloadTest, ABlockIsFetchedByRangeFromThatVersionOnly) {
  TinyServer holder({{range("abc")}});
  ASSERT_TRUE(run({holder.origin()}, TinyServer::nobody()));
  EXPECT_EQ(file(), "abc");
  EXPECT_THAT(holder.requests().at(0), HasSubstr("GET /files/f?via=local HTTP/1.1"));
  EXPECT_THAT(holder.requests().at(0), HasSubstr("Range: bytes=0-2\r\n"));
  EXPECT_THAT(holder.requests().at(0), HasSubstr("If-Match: \"" + std::string(abc_hex) + "\"\r\n"));
}

TEST_F(DownloadTest, ADeadHolderIsReplacedByAnother) {
  // It is also asked for the holders, because no other node is left.
  TinyServer holder({{route({})}, {range("abc")}});
  ASSERT_TRUE(run({TinyServer::nobody(), holder.origin()}, TinyServer::nobody()));
  EXPECT_EQ(file(), "abc");
}

TEST_F(DownloadTest, AHolderThatBreaksOffIsReplacedByOneThatTheNodesName) {
  TinyServer good({{range("abc")}});
  TinyServer bad({{"HTTP/1.1 206 Partial\r\nContent-Length: 3\r\nETag: \"" + std::string(abc_hex) +
                   "\"\r\n\r\na"}});
  TinyServer node({{route({good.origin()})}});
  ASSERT_TRUE(run({bad.origin()}, node.origin()));
  EXPECT_EQ(file(), "abc");
}

TEST_F(DownloadTest, BytesOfAnotherVersionAreNotTaken) {
  TinyServer wrong({{range("xyz", std::string(64, '0'))}});
  auto const done = run({wrong.origin()}, TinyServer::nobody());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::unavailable);
  EXPECT_EQ(file(), "");
}

TEST_F(DownloadTest, AReplacedFileEndsTheDownload) {
  TinyServer node({{route({}, std::string(64, '1'))}});
  auto const done = run({TinyServer::nobody()}, node.origin());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::precondition_failed);
}

TEST_F(DownloadTest, WhenNobodyAnswersItEndsWithASentence) {
  auto const done = run({TinyServer::nobody()}, TinyServer::nobody());
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("no holder of f answers"));
}

// A download has memory for each block of a file, so that a size from nowhere must not be believed.
TEST(Route, OfSomethingThatIsNoNodeIsRefusedOrReadAsFarAsItIsOne) {
  auto const route_in = [](std::string const& body) {
    TinyServer const server{{{answer(200, body)}}};
    HttpClient client{{server.origin()}};
    return ask_route(client, "f");
  };
  std::string const digest = std::string{R"("sha256":")"} + abc_hex + R"(",)";
  auto const odd = route_in("{" + digest + R"("size":3,"version":[],"replicas":[5,{"http":{}}]})");
  ASSERT_TRUE(odd) << odd.error().message;
  EXPECT_TRUE(odd->replicas.empty());
  EXPECT_EQ(odd->object.size, ByteCount{3});
  for (std::string const& body :
       {std::string{"[]"}, std::string{R"({"sha256":5,"size":3})"}, "{" + digest + R"("size":-3})",
        "{" + digest + R"("size":18446744073709551615})"}) {
    EXPECT_FALSE(route_in(body)) << body;
  }
}

}  // namespace
}  // namespace chisme::node::cli
