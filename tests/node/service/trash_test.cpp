#include "node/trash.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cluster/base/expiry.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

using namespace std::chrono_literals;

constexpr WallTime removal_time{1'700'000'000'000ms};

class TrashTest : public testing::Test {
 protected:
  Result<web::RemovedFile> remove(std::string const& name, web::Condition condition = {},
                                  std::chrono::milliseconds kept = 1h) {
    std::optional<Result<web::RemovedFile>> answer;
    remove_to_trash(gateway, {kept, removal_time, 7}, name, std::move(condition),
                    [&](Result<web::RemovedFile> const& result) { answer = result; });
    EXPECT_TRUE(answer.has_value());
    return *answer;
  }
  Result<web::StoredFile> restore(web::FileInfo const& place, std::string const& name,
                                  bool overwrite = false) {
    web::UploadRequest request;
    request.name = name;
    request.condition.must_be_absent = !overwrite;
    std::optional<Result<web::StoredFile>> answer;
    restore_from_trash(gateway, place, std::move(request),
                       [&](Result<web::StoredFile> const& result) { answer = result; });
    EXPECT_TRUE(answer.has_value());
    return *answer;
  }
  // What is in the trash, by the name that it had.
  std::map<std::string, web::FileInfo> trash() const {
    std::map<std::string, web::FileInfo> found;
    for (auto const& [name, file] : gateway.files) {
      if (!name.starts_with(trash_prefix)) continue;
      auto const place = parse_trash_id(std::string_view{name}.substr(trash_prefix.size()));
      EXPECT_TRUE(place.has_value()) << name;
      if (place) found[std::string{place->name}] = file;
    }
    return found;
  }
  std::string bytes_of(std::string const& name) const {
    return gateway.objects.at(gateway.files.at(name).digest);
  }

  web::MemoryGateway gateway;
};

TEST_F(TrashTest, WhatIsRemovedIsThereUnderItsPlaceUntilItsTime) {
  gateway.add("dir/film.mp4", "bytes", "video/mp4");
  ASSERT_TRUE(remove("dir/film.mp4"));
  EXPECT_FALSE(gateway.files.contains("dir/film.mp4"));
  auto const kept = trash();
  ASSERT_TRUE(kept.contains("dir/film.mp4"));
  web::FileInfo const& file = kept.at("dir/film.mp4");
  EXPECT_EQ(file.type, "video/mp4");
  EXPECT_EQ(gateway.objects.at(file.digest), "bytes");
  auto const place = parse_trash_id(std::string_view{file.name}.substr(trash_prefix.size()));
  EXPECT_EQ(place->removed, removal_time);
  EXPECT_EQ(place->expires, removal_time + 1h);
}

TEST_F(TrashTest, WithoutATrashAndOfTheProgramsOwnItIsForGood) {
  gateway.add("film.mp4", "bytes", "video/mp4");
  gateway.add("\x01uploads/x", "own", "text/plain");
  ASSERT_TRUE(remove("film.mp4", {}, 0ms));
  ASSERT_TRUE(remove("\x01uploads/x"));
  EXPECT_TRUE(gateway.files.empty());
}

TEST_F(TrashTest, ANameThatHasNoRoomForMoreStays) {
  std::string const name(web::name_bytes_max - trash_name_bytes + 1, 'n');
  gateway.add(name, "bytes", "video/mp4");
  auto const refused = remove(name);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::invalid);
  EXPECT_TRUE(gateway.files.contains(name));
  EXPECT_TRUE(trash().empty());
}

TEST_F(TrashTest, WhatCannotBeKeptIsNotRemoved) {
  gateway.add("film.mp4", "bytes", "video/mp4");
  for (Fault const fault : {Fault::no_quorum, Fault::unknown_outcome, Fault::no_space}) {
    gateway.link_fails = fault;
    auto const refused = remove("film.mp4");
    ASSERT_FALSE(refused);
    // Whether the place is there or not, the file still is.
    EXPECT_EQ(refused.error().fault, fault == Fault::unknown_outcome ? Fault::unavailable : fault);
    EXPECT_TRUE(gateway.files.contains("film.mp4"));
  }
}

TEST_F(TrashTest, WhatIsNotRemovedIsNotInTheTrashButForAnUnknownOutcome) {
  gateway.add("film.mp4", "bytes", "video/mp4");
  Fault fault = Fault::no_quorum;
  gateway.meanwhile = [&](std::string const& name) {
    gateway.removal_fails = name == "film.mp4" ? std::optional{fault} : std::nullopt;
  };
  EXPECT_EQ(remove("film.mp4").error().fault, Fault::no_quorum);
  EXPECT_TRUE(gateway.files.contains("film.mp4"));
  EXPECT_TRUE(trash().empty());
  fault = Fault::unknown_outcome;
  EXPECT_EQ(remove("film.mp4").error().fault, Fault::unknown_outcome);
  EXPECT_TRUE(trash().contains("film.mp4"));  // for it may be removed
}

TEST_F(TrashTest, TheVersionThatIsInTheTrashIsTheOneThatWasRemoved) {
  gateway.add("film.mp4", "first", "video/mp4");
  bool overtaken = false;
  gateway.meanwhile = [&](std::string const& name) {
    if (name == "film.mp4" && !std::exchange(overtaken, true)) {
      gateway.add("film.mp4", "second", "video/mp4");
    }
  };
  ASSERT_TRUE(remove("film.mp4"));
  EXPECT_FALSE(gateway.files.contains("film.mp4"));
  auto const kept = trash();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(gateway.objects.at(kept.at("film.mp4").digest), "second");
}

TEST_F(TrashTest, OneThatIsReplacedAgainAndAgainIsGivenUp) {
  gateway.add("film.mp4", "0", "video/mp4");
  int writes = 0;
  gateway.meanwhile = [&](std::string const& name) {
    if (name == "film.mp4") gateway.add(name, std::to_string(++writes), "video/mp4");
  };
  EXPECT_EQ(remove("film.mp4").error().fault, Fault::precondition_failed);
  EXPECT_LE(writes, 10);
  EXPECT_TRUE(gateway.files.contains("film.mp4"));
  EXPECT_TRUE(trash().empty());
}

TEST_F(TrashTest, AConditionHolds) {
  web::FileInfo const file = gateway.add("film.mp4", "first", "video/mp4");
  web::Condition other;
  other.must_match = {web::sha256_of("other")};
  EXPECT_EQ(remove("film.mp4", other).error().fault, Fault::precondition_failed);
  EXPECT_TRUE(gateway.files.contains("film.mp4"));
  EXPECT_TRUE(trash().empty());
  web::Condition either = other;
  either.must_match.push_back(file.digest);
  EXPECT_TRUE(remove("film.mp4", either));
  EXPECT_EQ(remove("none.mp4").error().fault, Fault::not_found);
}

TEST_F(TrashTest, RestoredItIsAsItWasAndOutOfTheTrash) {
  web::FileInfo& file = gateway.add("film.mp4", "bytes", "video/mp4");
  file.expires = removal_time + 24h;
  ASSERT_TRUE(remove("film.mp4"));
  auto const restored = restore(trash().at("film.mp4"), "film.mp4");
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->name, "film.mp4");
  EXPECT_EQ(bytes_of("film.mp4"), "bytes");
  EXPECT_EQ(gateway.files.at("film.mp4").type, "video/mp4");
  EXPECT_EQ(gateway.files.at("film.mp4").expires, removal_time + 24h);
  EXPECT_TRUE(trash().empty());
}

TEST_F(TrashTest, AskedForAgainItIsRestoredAllTheSame) {
  gateway.add("film.mp4", "bytes", "video/mp4");
  ASSERT_TRUE(remove("film.mp4"));
  web::FileInfo const place = trash().at("film.mp4");
  // The first answer was lost, and its place is still there.
  gateway.add("film.mp4", "bytes", "video/mp4");
  auto const again = restore(place, "film.mp4");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->digest, web::sha256_of("bytes"));
  EXPECT_TRUE(trash().empty());
}

TEST_F(TrashTest, ANameThatIsTakenByOtherBytesIsOverwrittenOnlyOnRequest) {
  gateway.add("film.mp4", "first", "video/mp4");
  ASSERT_TRUE(remove("film.mp4"));
  gateway.add("film.mp4", "second", "video/mp4");
  auto const refused = restore(trash().at("film.mp4"), "film.mp4");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::precondition_failed);
  EXPECT_EQ(bytes_of("film.mp4"), "second");
  EXPECT_TRUE(trash().contains("film.mp4"));
  ASSERT_TRUE(restore(trash().at("film.mp4"), "film.mp4", true));
  EXPECT_EQ(bytes_of("film.mp4"), "first");
  EXPECT_TRUE(trash().empty());
}

}  // namespace
}  // namespace chisme::node
