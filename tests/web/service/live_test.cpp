#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/web/service/requests.hpp"
#include "web/tus/live.hpp"
#include "web/tus/upload.hpp"

namespace chisme::web {
namespace {

constexpr char id[] = "0123456789abcdef0123456789abcdef";
constexpr char other_id[] = "fedcba9876543210fedcba9876543210";

// Uploads that may be read while they come.
class Live : public ServiceTest {
 protected:
  void begin(std::string const& name, std::string const& of) {
    gateway.add(tus::about_name(of), "{}", "application/json");
    gateway.add(tus::live_name(name, of), "", "text/plain");
  }
  nlohmann::json listed(std::string const& query = "") {
    return nlohmann::json::parse(reply("GET /files" + query).body)["files"];
  }
};

TEST_F(Live, AFileThatIsNowhereIsFollowedWhileItComes) {
  begin("d/show.ts", id);
  auto const plan = plan_after_asking("GET /files/d/show.ts");
  ASSERT_TRUE(std::holds_alternative<FollowUpload>(plan));
  EXPECT_EQ(std::get<FollowUpload>(plan).id, id);
  for (std::string const& name : {"d", "show.ts", "d/show", "d/show.ts2"}) {
    EXPECT_TRUE(std::holds_alternative<Reply>(plan_after_asking("GET /files/" + name))) << name;
  }
}

TEST_F(Live, WhatIsCompleteIsNeverHiddenByWhatIsNot) {
  begin("local.mp4", id);
  (void)planned<SendObject>("GET /files/local.mp4");
  for (auto const& file : listed()) EXPECT_FALSE(file.contains("incomplete")) << file;
}

TEST_F(Live, AnUploadThatIsDoneOrEndedIsNotFollowed) {
  begin("done.ts", id);
  gateway.add(tus::done_name(id), "", "text/plain");
  gateway.add(tus::live_name("ended.ts", other_id), "", "text/plain");
  EXPECT_EQ(std::get<Reply>(plan_after_asking("GET /files/done.ts")).status, 404u);
  EXPECT_EQ(std::get<Reply>(plan_after_asking("GET /files/ended.ts")).status, 404u);
  for (auto const& file : listed()) EXPECT_FALSE(file.contains("incomplete")) << file;
}

TEST_F(Live, TheListShowsWhatIsReadableInItsPlace) {
  begin("m.ts", id);
  gateway.add(tus::part_name(id, ByteOffset{0}, "a"), "12345", "text/plain");
  gateway.add(tus::part_name(id, ByteOffset{5}, "b"), "678", "text/plain");
  gateway.add(tus::part_name(id, ByteOffset{9}, "c"), "behind a gap", "text/plain");
  auto const files = listed();
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[1]["name"], "m.ts");
  EXPECT_EQ(files[1]["size"], 8);
  EXPECT_EQ(files[1]["incomplete"], true);
  EXPECT_EQ(files[1]["copies"], 0);
  EXPECT_FALSE(files[1].contains("sha256"));
  EXPECT_EQ(listed("?after=m.ts").size(), 1u);
  EXPECT_EQ(listed("?prefix=m").size(), 1u);
  EXPECT_EQ(listed("?limit=1").size(), 1u);
}

TEST_F(Live, ItsHeadPromisesNothingThatOnlyAFileCanKeep) {
  Reply const head = service.incomplete(request_of("GET /files/a.ts"), "a.ts", "video/mp2t");
  EXPECT_EQ(header_of(head, "Upload-Incomplete"), "?1");
  EXPECT_EQ(header_of(head, "Accept-Ranges"), "none");
  EXPECT_EQ(header_of(head, "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(head, "X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(header_of(head, "Content-Security-Policy").starts_with("sandbox"));
  for (char const* const name : {"ETag", "Last-Modified", "Repr-Digest", "Chisme-Version"}) {
    EXPECT_EQ(header_of(head, name), "") << name;
  }
}

TEST_F(Live, PutAsksForIt) {
  EXPECT_TRUE(planned<ReceiveFile>("PUT /files/a?live=1\nContent-Length: 1").live);
  EXPECT_FALSE(planned<ReceiveFile>("PUT /files/a\nContent-Length: 1").live);
}

}  // namespace
}  // namespace chisme::web
