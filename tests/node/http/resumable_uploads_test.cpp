#include "node/http/resumable_uploads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
  Fault fault_of(Result<void> const& result) { return result ? Fault::io : result.error().fault; }
  // Stores all of a file's bytes, but makes no file of them.
  std::string complete(std::string const& bytes) {
    std::string const id = create(bytes.size());
    auto const writer = begin(id, 0);
    write(*writer, bytes);
    EXPECT_TRUE(wait(writer->finish(true)));
    EXPECT_TRUE(writer->is_complete());
    EXPECT_FALSE(gateway.files.contains("film"));
    return id;
  }
  // This node hears of the file only by asking the others.
  void unlearn(std::string const& name) {
    auto const file = gateway.files.extract(name);
    ASSERT_TRUE(file) << name;
    gateway.elsewhere[name] = file.mapped();
  }
  int refusal(std::string const& id, std::uint64_t offset) {
    auto const writer = wait(uploads->begin(Patch{id, ByteOffset{offset}, {}, {}, {}}));
    return writer ? 0 : static_cast<int>(writer.error().status);
  }
  void collect(std::chrono::hours at) {
    auto const work = [this, at]() -> asio::awaitable<bool> {
      co_await uploads->collect(ResumableUploads::Clock::time_point{at}, {});
      co_return true;
    };
    wait(work());
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
      std::make_shared<ResumableUploads>(loop, gateway, ResumableUploads::Limits{ByteCount{1000}});
};

TEST_F(ResumableUploadsTest, OfTwoRequestsAtOnceTheLaterGoesOn) {
  std::string const id = create(10);
  auto const stale = begin(id, 0);
  write(*stale, "0123");
  auto const fresh = begin(id, 0);
  write(*fresh, "012345");
  EXPECT_TRUE(wait(fresh->finish(true)));
  EXPECT_EQ(offset(id), 6u);
  EXPECT_EQ(fault_of(wait(stale->finish(false))), Fault::precondition_failed);
  EXPECT_EQ(offset(id), 6u) << "what is safe never becomes less";
  auto const last = begin(id, 6);
  write(*last, "6789");
  EXPECT_TRUE(wait(last->finish(true)));
  EXPECT_EQ(offset(id), 10u);
  EXPECT_EQ(stored(), "0123456789");
}

TEST_F(ResumableUploadsTest, WhoHearsOnlyAfterwardsThatItWasOvertakenSaysSo) {
  std::string const id = create(10);
  auto const stale = begin(id, 0);
  write(*stale, "STALE");
  begin(id, 0);
  unlearn(web::tus::writer_name(id));
  EXPECT_EQ(fault_of(wait(stale->finish(true))), Fault::precondition_failed);
  EXPECT_EQ(offset(id), 5u) << "its bytes are safe all the same";
}

TEST_F(ResumableUploadsTest, WhoWasOvertakenWithTheLastBytesMakesTheFile) {
  std::string const id = create(5);
  auto const stale = begin(id, 0);
  write(*stale, "STALE");
  begin(id, 0);
  unlearn(web::tus::writer_name(id));
  EXPECT_EQ(fault_of(wait(stale->finish(true))), Fault::precondition_failed);
  ASSERT_TRUE(gateway.files.contains("film")) << "the other one would wait for it in vain";
  EXPECT_EQ(stored(), "STALE");
}

TEST_F(ResumableUploadsTest, BytesThatWereCalledSafeAreNotWrittenAgain) {
  std::string const id = create(10);
  auto const first = begin(id, 0);
  write(*first, "first");
  EXPECT_TRUE(wait(first->finish(true)));
  std::string const turn = gateway.files.at(web::tus::writer_name(id)).version;
  unlearn(web::tus::part_name(id, ByteOffset{0}, turn));
  EXPECT_EQ(refusal(id, 0), 409);
  EXPECT_EQ(refusal(id, 3), 409);
}

TEST_F(ResumableUploadsTest, AnUploadThatWasEndedTakesNoMore) {
  std::string const id = create(10);
  auto const writer = begin(id, 0);
  write(*writer, "some");
  EXPECT_TRUE(wait(uploads->terminate(id)));
  EXPECT_NE(fault_of(wait(writer->finish(true))), Fault::io);
  EXPECT_EQ(wait(uploads->ask(id)).error().fault, Fault::not_found);
}

TEST_F(ResumableUploadsTest, AnUploadHasSoManyPartsAtMost) {
  uploads = std::make_shared<ResumableUploads>(
      loop, gateway, ResumableUploads::Limits{.max_file_size = ByteCount{1000}, .parts_max = 3});
  std::string const id = create(4);
  for (std::uint64_t at = 0; at < 3; ++at) {
    auto const writer = begin(id, at);
    write(*writer, "x");
    EXPECT_TRUE(wait(writer->finish(true)));
  }
  EXPECT_EQ(refusal(id, 3), 413);
  EXPECT_EQ(offset(id), 3u) << "what came stays";
}

TEST_F(ResumableUploadsTest, WhileManyFilesAreMadeAnotherWaitsForItsTurn) {
  auto const assemblies = std::make_shared<Assemblies>(1);
  uploads = std::make_shared<ResumableUploads>(
      loop, gateway,
      ResumableUploads::Limits{.max_file_size = ByteCount{1000}, .assemblies = assemblies});
  std::string const id = complete("0123456789");
  auto others = assemblies->begin("another upload");
  std::optional<bool> made;
  asio::co_spawn(loop, uploads->finish(id),
                 [&](std::exception_ptr const&, auto const& upload) { made = upload.has_value(); });
  loop.restart();
  loop.run_for(std::chrono::milliseconds{300});
  EXPECT_FALSE(made);
  EXPECT_FALSE(gateway.files.contains("film"));
  others.reset();
  loop.run();
  EXPECT_EQ(made, true);
  EXPECT_EQ(stored(), "0123456789");
}

TEST(Assemblies, EachUploadIsMadeOnceAtATime) {
  auto const assemblies = std::make_shared<Assemblies>(2);
  auto const first = assemblies->begin("a");
  EXPECT_TRUE(first);
  EXPECT_FALSE(assemblies->begin("a"));
  auto second = assemblies->begin("b");
  EXPECT_TRUE(second);
  EXPECT_FALSE(assemblies->begin("c"));
  second.reset();
  EXPECT_TRUE(assemblies->begin("c"));
}

TEST_F(ResumableUploadsTest, TheFirstWordOnTheLengthCounts) {
  web::tus::Create create;
  create.name = "film";
  std::string const id = wait(uploads->create(create))->id;
  EXPECT_TRUE(wait(uploads->begin(Patch{id, ByteOffset{0}, ByteCount{4}, ByteCount{0}, {}})));
  auto const other = wait(uploads->begin(Patch{id, ByteOffset{0}, ByteCount{5}, {}, {}}));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().status, 400);
  unlearn(web::tus::length_name(id));
  auto const again = wait(uploads->begin(Patch{id, ByteOffset{0}, ByteCount{5}, {}, {}}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().status, 400);
}

TEST_F(ResumableUploadsTest, NoUploadBeginsWithoutRoomForItsPartsAndItsFile) {
  gateway.free_bytes = 500;
  web::tus::Create create;
  create.name = "film";
  create.length = ByteCount{300};
  EXPECT_EQ(wait(uploads->create(create)).error().fault, Fault::no_space);
  create.length = ByteCount{100};
  EXPECT_TRUE(wait(uploads->create(create)));
}

// A node that has not heard that the file was made makes it again, at any time.
TEST_F(ResumableUploadsTest, AFileThatIsMadeAgainUndoesNothing) {
  std::string const id = complete("film");
  auto const before = gateway.files;
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(stored(), "film");
  std::string const version = gateway.files.at("film").version;
  auto const forget = [&] {
    gateway.files.erase(web::tus::done_name(id));
    for (auto const& [name, file] : before) gateway.files.insert({name, file});
  };
  forget();
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(gateway.files.at("film").version, version);
  gateway.remove("film", {}, [](auto const&) {});
  forget();
  EXPECT_EQ(offset(id), 4u);
  EXPECT_FALSE(gateway.files.contains("film"));
  gateway.add("film", "later", "text/plain");
  forget();
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(stored(), "later");
}

TEST_F(ResumableUploadsTest, AllWhoAskWaitForOneAssembly) {
  std::string const id = complete("film");
  gateway.deferred = true;
  gateway.uploads_begun.clear();
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    asio::co_spawn(loop, uploads->ask(id), [&](auto const&, auto const& upload) {
      EXPECT_TRUE(upload->progress.done);
      ++answered;
    });
  }
  loop.restart();
  while (answered < 10) {
    loop.poll();
    loop.restart();
    gateway.run_later();
  }
  EXPECT_EQ(stored(), "film");
  EXPECT_EQ(std::ranges::count(gateway.uploads_begun, "film", &web::UploadRequest::name), 1);
}

TEST_F(ResumableUploadsTest, AnUploadThatIsEndedBeforeItsFileIsStoredBecomesNone) {
  std::string const id = complete("film");
  gateway.deferred = true;
  std::optional<Fault> fault;
  asio::co_spawn(loop, uploads->ask(id),
                 [&](auto const&, auto const& upload) { fault = upload.error().fault; });
  bool ended = false;
  while (!fault) {
    loop.restart();
    loop.poll();
    gateway.run_later();
    bool const begun = !ended && gateway.uploads_begun.back().name == "film";
    if (!begun) continue;
    gateway.remove(web::tus::about_name(id), {}, [](auto const&) {});
    ended = true;
  }
  EXPECT_EQ(fault, Fault::not_found);
  EXPECT_FALSE(gateway.files.contains("film"));
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

TEST_F(ResumableUploadsTest, PartsGoOnceTheFileIsStored) {
  std::string const id = complete("film");
  EXPECT_EQ(offset(id), 4u);
  EXPECT_EQ(internal_names(),
            (std::vector<std::string>{web::tus::about_name(id), web::tus::done_name(id),
                                      web::tus::writer_name(id)}));
}

TEST_F(ResumableUploadsTest, UploadsGoADayAfterTheyWereSeenToChange) {
  std::string const old = complete("film");
  EXPECT_EQ(offset(old), 4u);
  std::string const other = create(9);
  // Clocks of other nodes may say anything.
  for (auto& [name, file] : gateway.files) file.modified = WallTime{};
  collect(std::chrono::hours{1});
  collect(std::chrono::hours{24});
  EXPECT_EQ(internal_names().size(), 4u);
  auto const writer = begin(other, 0);
  write(*writer, "some");
  EXPECT_TRUE(wait(writer->finish(true)));
  collect(std::chrono::hours{26});
  EXPECT_EQ(internal_names().size(), 3u) << "only one of them has not changed";
  EXPECT_EQ(offset(other), 4u);
  EXPECT_EQ(stored(), "film");
  collect(std::chrono::hours{51});
  EXPECT_TRUE(internal_names().empty());
}

}  // namespace
}  // namespace chisme::node
