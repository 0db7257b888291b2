#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"
#include "web/dav/paths.hpp"

namespace chisme::web {
namespace {

using testing::HasSubstr;

class DavRoutes : public ServiceTest {};

TEST_F(DavRoutes, OptionsSayTheClass) {
  for (char const* const path : {"/dav", "/dav/", "/dav/a/b"}) {
    Reply const answer = reply("OPTIONS " + std::string{path});
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(header_of(answer, "DAV"), "1, 2");
    EXPECT_EQ(header_of(answer, "MS-Author-Via"), "DAV");
    EXPECT_THAT(header_of(answer, "Allow"), HasSubstr("PROPFIND"));
  }
}

TEST_F(DavRoutes, AFileComesFromThisNodeWithTheHeadersOfFiles) {
  auto const here = planned<SendObject>("GET /dav/local.mp4");
  auto const there = planned<RelayObject>("GET /dav/remote.txt");
  auto const as_file = planned<SendObject>("GET /files/local.mp4?via=local");
  EXPECT_EQ(here.head.headers.text(), as_file.head.headers.text());
  EXPECT_EQ(there.file.name, "remote.txt");
  EXPECT_THAT(header_of(there.head, "Content-Security-Policy"), HasSubstr("sandbox"));
  EXPECT_EQ(planned<SendObject>("GET /dav/local.mp4\nRange: bytes=2-3").length, ByteCount{2});
  EXPECT_EQ(status("GET /dav/local.mp4\nIf-None-Match: " + header_of(here.head, "ETag")), 304u);
  EXPECT_EQ(gateway.redirects, 0);
}

TEST_F(DavRoutes, AFolderIsNoFile) {
  gateway.add("folder/x", "x", "text/plain");
  gateway.add(dav::marker_name("made"), "", "text/plain");
  for (char const* const path : {"/dav", "/dav/"}) {
    EXPECT_EQ(status("GET " + std::string{path}), 200u);
  }
  for (char const* const path : {"/dav/folder", "/dav/folder/", "/dav/made"}) {
    Plan const plan = plan_after_asking("GET " + std::string{path});
    ASSERT_TRUE(std::holds_alternative<Reply>(plan)) << path;
    EXPECT_EQ(std::get<Reply>(plan).status, 200u) << path;
  }
  Plan const nothing = plan_after_asking("GET /dav/nothing");
  EXPECT_EQ(std::get<Reply>(nothing).status, 404u);
}

TEST_F(DavRoutes, WhatChangesIsLookedAtFirst) {
  auto const put = planned<AnswerDav>("PUT /dav/a/b%20c\nContent-Length: 3");
  EXPECT_EQ(put.name, "a/b c");
  ASSERT_TRUE(put.put);
  EXPECT_EQ(put.put->upload.name, "a/b c");
  EXPECT_EQ(put.put->upload.size, ByteCount{3});
  EXPECT_FALSE(planned<AnswerDav>("PUT /dav/a?live=1\nContent-Length: 3").put->live);
  EXPECT_EQ(status("PUT /dav/local.mp4\nIf-None-Match: *\nContent-Length: 0"), 412u);
  EXPECT_EQ(status("PUT /dav/a\nContent-Length: 1001"), 413u);
  EXPECT_EQ(status("PUT /dav/a/\nContent-Length: 0"), 405u);
  for (char const* const method :
       {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "DELETE"}) {
    auto const asked = planned<AnswerDav>(std::string{method} + " /dav/a%C3%A9/");
    EXPECT_EQ(asked.name, "a\xc3\xa9");
    EXPECT_TRUE(asked.is_slash);
    EXPECT_FALSE(asked.put);
  }
  EXPECT_EQ(planned<AnswerDav>("PROPFIND /dav").name, "");
}

TEST_F(DavRoutes, BadNamesAreRefused) {
  for (char const* const path : {"/dav/%", "/dav/a/../b", "/dav/%2e%2e/x", "/dav/%01dav/locks",
                                 "/dav/a%00", "/dav/a//b", "/dav/%ff"}) {
    for (char const* const method : {"GET", "PUT", "PROPFIND", "MKCOL", "DELETE"}) {
      EXPECT_EQ(status(std::string{method} + " " + path), 400u) << method << path;
    }
  }
  EXPECT_EQ(status("MKCOL /dav/" + std::string(dav::path_bytes_max + 1, 'a')), 400u);
}

TEST_F(DavRoutes, PagesOfOtherSitesMayNot) {
  for (char const* const method : {"PROPFIND", "MKCOL", "COPY", "LOCK", "DELETE"}) {
    std::string const request = std::string{method} + " /dav/a\nOrigin: https://evil.example";
    EXPECT_EQ(status(request), 403u) << method;
  }
  EXPECT_EQ(status("PROPFIND /dav/\nHost: evil.example"), 421u);
  EXPECT_EQ(status("GET /dav/local.mp4\nSec-Fetch-Site: same-origin\nSec-Fetch-Dest: script"),
            403u);
}

TEST_F(DavRoutes, AStoredFileIsAnsweredWithoutABody) {
  Request const request = request_of("PUT /dav/a\nContent-Length: 0");
  StoredFile stored{.name = "a", .version = "v", .size = {}, .digest = {}, .copies = {}};
  stored.created = true;
  Reply const created = service.stored(request, stored);
  EXPECT_EQ(created.status, 201u);
  EXPECT_EQ(created.body, "");
  EXPECT_NE(header_of(created, "ETag"), "");
  stored.created = false;
  EXPECT_EQ(service.stored(request, stored).status, 204u);
  EXPECT_EQ(service.stored(request_of("PUT /files/a\nContent-Length: 0"), stored).status, 200u);
}

}  // namespace
}  // namespace chisme::web
