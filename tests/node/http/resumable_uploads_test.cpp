#include "node/http/resumable_uploads.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <exception>

#include "tests/web/memory_gateway.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

using web::tus::Patch;

// The uploads of one web loop, over a node in memory; what two nodes do is two of these.
class ResumableUploadsTest : public testing::Test {
 protected:
  template <class T>
  T wait(asio::awaitable<T> work) {
    std::optional<T> result;
    asio::co_spawn(loop, std::move(work), [&](std::exception_ptr const& error, T value) {
      EXPECT_FALSE(error);
      result.emplace(std::move(value));
    });
    loop.restart();
    loop.run();
    return std::move(*result);
  }
  std::string create(std::uint64_t length) {
    web::tus::Create create;
    create.name = "film";
    create.length = ByteCount{length};
    return wait(uploads->create(create))->id;
  }
  std::shared_ptr<ResumableUploads::Writer> begin(std::string const& id, std::uint64_t offset) {
    auto writer = wait(uploads->begin(Patch{id, ByteOffset{offset}, {}, {}, {}}));
    EXPECT_TRUE(writer);
    return writer.value_or(nullptr);
  }
  void write(ResumableUploads::Writer& writer, std::string const& bytes) {
    EXPECT_TRUE(wait(writer.write(std::as_bytes(std::span{bytes}))));
  }
  std::uint64_t offset(std::string const& id) { return wait(uploads->ask(id))->offset().value(); }
  std::vector<std::string> internal_names() {
    std::vector<std::string> names;
    for (auto const& [name, file] : gateway.files) {
      if (web::is_internal(name)) names.push_back(name);
    }
    return names;
  }
  std::string stored() { return gateway.objects.at(gateway.files.at("film").digest); }

  asio::io_context loop;
  web::MemoryGateway gateway;
  std::shared_ptr<ResumableUploads> uploads =
      std::make_shared<ResumableUploads>(loop, gateway, ByteCount{1000});
};

TEST_F(ResumableUploadsTest, TwoRequestsAtOnceMakeOneFile) {
  std::string const id = create(10);
  auto const stale = begin(id, 0);
  write(*stale, "0123");
  auto const fresh = begin(id, 0);
  write(*fresh, "012345");
  EXPECT_TRUE(wait(fresh->finish(true)));
  EXPECT_EQ(offset(id), 6u);
  EXPECT_TRUE(wait(stale->finish(false)));
  EXPECT_EQ(offset(id), 6u) << "what is safe never becomes less";
  auto const last = begin(id, 6);
  write(*last, "6789");
  EXPECT_TRUE(wait(last->finish(true)));
  EXPECT_EQ(offset(id), 10u);
  EXPECT_EQ(stored(), "0123456789");
}

// The node died after the last bytes were safe and before there was a file.
TEST_F(ResumableUploadsTest, WhoeverIsAskedNextMakesTheFile) {
  std::string const id = create(4);
  auto const writer = begin(id, 0);
  write(*writer, "film");
  EXPECT_TRUE(wait(writer->finish(true)));
  EXPECT_FALSE(gateway.files.contains("film"));
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(stored(), "film");
  gateway.files.erase("film");
  EXPECT_EQ(offset(id), 4u);
  EXPECT_FALSE(gateway.files.contains("film")) << "once is enough: it may have been removed since";
}

TEST_F(ResumableUploadsTest, BytesPastTheEndAreNotTaken) {
  std::string const id = create(4);
  auto const writer = begin(id, 0);
  std::string const bytes = "film and more";
  auto const written = wait(writer->write(std::as_bytes(std::span{bytes})));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().fault, Fault::too_large);
  EXPECT_TRUE(wait(writer->finish(false)));
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(stored(), "film");
}

TEST_F(ResumableUploadsTest, NothingIsSafeWithoutAQuorum) {
  std::string const id = create(8);
  auto const writer = begin(id, 0);
  write(*writer, "half");
  gateway.quorum = false;
  auto const finished = wait(writer->finish(true));
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().fault, Fault::no_quorum);
  gateway.quorum = true;
  EXPECT_EQ(offset(id), 0u);
}

TEST_F(ResumableUploadsTest, PartsGoOnceTheFileIsStoredAndTheRestWhenItIsOld) {
  std::string const id = create(4);
  std::string const other = create(9);
  auto const writer = begin(id, 0);
  write(*writer, "film");
  EXPECT_TRUE(wait(writer->finish(true)));
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(internal_names().size(), 3u) << "two descriptions and a mark";
  WallTime const now = gateway.files.at("film").modified;
  gateway.files.at(web::tus::about_name(other)).modified = now + std::chrono::hours{30};
  auto const collect = [this](WallTime before) -> asio::awaitable<bool> {
    co_await uploads->collect(before);
    co_return true;
  };
  wait(collect(now));
  EXPECT_EQ(internal_names().size(), 3u);
  wait(collect(now + std::chrono::hours{25}));
  EXPECT_EQ(internal_names(), std::vector<std::string>{web::tus::about_name(other)});
  EXPECT_EQ(stored(), "film");
}

}  // namespace
}  // namespace chisme::node
