#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/node/http/client.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/s3/address.hpp"
#include "web/s3/hash.hpp"

namespace chisme::node {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char etag_of_hello[] = "\"5d41402abc4b2a76b9719d911017c592\"";

// S3 at an open node in memory, over a socket.
class S3 : public testing::Test {
 protected:
  S3() { gateway.add("films/a.mp4", "hello", "video/mp4"); }
  ~S3() override { server.stop(); }

  Response ask(std::string const& line, std::string const& body = "",
               std::string const& headers = "") {
    Client client(server.endpoint());
    client.send(line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
    return client.response(line.starts_with("HEAD")).value_or(Response{});
  }
  std::string text_of(std::string const& xml, std::string const& name) {
    std::size_t const begin = xml.find("<" + name + ">") + name.size() + 2;
    return xml.substr(begin, xml.find("</" + name + ">") - begin);
  }
  std::string code(Response const& response) { return text_of(response.body, "Code"); }
  // The loop's thread owns the gateway.
  bool is_there(std::string const& name) {
    bool found = false;
    server.on_loop([&](HttpListener&) { found = gateway.files.contains(name); });
    return found;
  }
  std::string begin_upload(std::string const& key) {
    return text_of(ask("POST /s3/films/" + key + "?uploads").body, "UploadId");
  }
  std::string put_part(std::string const& key, std::string const& id, int number,
                       std::string const& bytes) {
    auto const answer =
        ask("PUT /s3/films/" + key + "?partNumber=" + std::to_string(number) + "&uploadId=" + id,
            bytes);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.headers.contains("etag") ? answer.headers.at("etag") : "";
  }
  // Returns once the object of one part is being made; it is not made until the gateway goes on.
  void begin_to_complete(Client& client, std::string const& key, std::string const& id,
                         std::string const& part, std::string const& headers = "") {
    server.on_loop([&](HttpListener&) {
      gateway.deferred = true;
      gateway.uploads_begun.clear();
    });
    std::string const body = complete({{1, part}});
    client.send("POST /s3/films/" + key + "?uploadId=" + id +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n" + headers + "\r\n" + body);
    server.wait_until([&](HttpListener&) {
      bool const begun =
          std::ranges::count(gateway.uploads_begun, "films/" + key, &web::UploadRequest::name) > 0;
      if (!begun) gateway.run_later();
      return begun;
    });
  }
  static std::string complete(std::vector<std::pair<int, std::string>> const& parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (auto const& [number, etag] : parts) {
      xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
             "</ETag></Part>";
    }
    return xml + "</CompleteMultipartUpload>";
  }

  web::MemoryGateway gateway;
  Server server{gateway};
};

TEST_F(S3, AnObjectGoesInAndComesOut) {
  auto const put = ask("PUT /s3/films/b.txt", "hello", "x-amz-meta-mtime: 1.5\r\n");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.headers.at("etag"), etag_of_hello);
  auto const got = ask("GET /s3/films/b.txt");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.headers.at("etag"), etag_of_hello);
  EXPECT_EQ(got.headers.at("x-amz-meta-mtime"), "1.5");
  EXPECT_THAT(got.headers.at("content-type"), StartsWith("text/plain"));
  EXPECT_EQ(ask("GET /s3/films/b.txt", "", "Range: bytes=1-3\r\n").body, "ell");
  EXPECT_EQ(ask("HEAD /s3/films/b.txt").headers.at("content-length"), "5");
  // Elsewhere it is a file like all others.
  auto const file = ask("GET /files/films/b.txt");
  EXPECT_EQ(file.body, "hello");
  EXPECT_EQ(file.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(ask("DELETE /s3/films/b.txt").status, 204);
  EXPECT_EQ(ask("DELETE /s3/films/b.txt").status, 204);
  EXPECT_EQ(code(ask("GET /s3/films/b.txt")), "NoSuchKey");
}

TEST_F(S3, WhatIsNotAnnouncedIsNotStored) {
  std::string const put = "PUT /s3/films/b";
  EXPECT_EQ(code(ask(put, "hello", "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n")), "BadDigest");
  EXPECT_EQ(code(ask(put, "hello",
                     "x-amz-content-sha256: " + web::s3::hex(web::s3::sha256("other")) + "\r\n")),
            "XAmzContentSHA256Mismatch");
  EXPECT_FALSE(is_there("films/b"));
  EXPECT_EQ(ask(put, "hello",
                "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\nx-amz-content-sha256: " +
                    web::s3::hex(web::s3::sha256("hello")) + "\r\n")
                .status,
            200);
}

TEST_F(S3, ChunkedBodies) {
  std::string const headers =
      "x-amz-trailer: x-amz-checksum-crc32\r\nContent-Encoding: "
      "aws-chunked\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"
      "x-amz-decoded-content-length: ";
  std::string const body = "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  auto const put = ask("PUT /s3/films/b", body, headers + "5\r\n");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.headers.at("etag"), etag_of_hello);
  EXPECT_EQ(ask("GET /s3/films/b").body, "hello");
  std::string other = body;
  other.replace(other.find("NhCmhg"), 6, "NhCmhA");
  EXPECT_EQ(code(ask("PUT /s3/films/c", other, headers + "5\r\n")), "BadDigest");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "5\r\nhello\r\n0\r\n\r\n", headers + "5\r\n")),
            "BadDigest");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "hello", "x-amz-checksum-crc32: AAAAAA==\r\n")),
            "BadDigest");
  EXPECT_EQ(code(ask("PUT /s3/films/c", body, headers + "6\r\n")), "IncompleteBody");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "2\r\nhe\r\n", headers + "2\r\n")), "IncompleteBody");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "hello", headers + "5\r\n")), "IncompleteBody");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "hello\r\n", headers + "5\r\n")), "InvalidRequest");
  EXPECT_FALSE(is_there("films/c"));
}

TEST_F(S3, Buckets) {
  EXPECT_EQ(code(ask("PUT /s3/new/x", "hello")), "NoSuchBucket");
  EXPECT_EQ(ask("PUT /s3/new").status, 200);
  EXPECT_EQ(ask("PUT /s3/new").status, 200);
  EXPECT_EQ(ask("HEAD /s3/new").status, 200);
  EXPECT_EQ(ask("PUT /s3/new/x", "hello").status, 200);
  EXPECT_EQ(code(ask("DELETE /s3/new")), "BucketNotEmpty");
  EXPECT_EQ(ask("DELETE /s3/new/x").status, 204);
  EXPECT_EQ(ask("HEAD /s3/new").status, 200);
  EXPECT_EQ(ask("DELETE /s3/new").status, 204);
  EXPECT_EQ(ask("HEAD /s3/new").status, 404);
}

TEST_F(S3, ManyObjectsGoAtOnce) {
  std::string xml = "<Delete>";
  for (int i = 0; i < 200; ++i) {
    std::string const key = "many/" + std::to_string(i);
    server.on_loop([&](HttpListener&) { gateway.add("films/" + key, key, "text/plain"); });
    xml += "<Object><Key>" + key + "</Key></Object>";
  }
  xml += "<Object><Key>absent</Key></Object><Object><Key>folder/</Key></Object>";
  auto const answer = ask("POST /s3/films?delete", xml + "</Delete>");
  EXPECT_EQ(answer.status, 200);
  std::size_t deleted = 0;
  for (std::size_t at = 0; (at = answer.body.find("<Deleted>", at)) != std::string::npos; ++at) {
    ++deleted;
  }
  EXPECT_EQ(deleted, 202u);
  EXPECT_THAT(ask("GET /s3/films").body, testing::Not(HasSubstr("<Key>many/")));
  EXPECT_EQ(code(ask("POST /s3/films?delete", "<Delete>")), "MalformedXML");
  server.on_loop([&](HttpListener&) { gateway.quorum = false; });
  auto const refused =
      ask("POST /s3/films?delete", "<Delete><Object><Key>a.mp4</Key></Object></Delete>");
  EXPECT_THAT(refused.body, HasSubstr("<Error><Key>a.mp4</Key><Code>ServiceUnavailable"));
}

TEST_F(S3, Copies) {
  auto const copy = ask("PUT /s3/films/copy.mp4", "", "x-amz-copy-source: /films/a.mp4\r\n");
  EXPECT_EQ(copy.status, 200);
  EXPECT_THAT(copy.body, HasSubstr("5d41402abc4b2a76b9719d911017c592"));
  auto const got = ask("GET /s3/films/copy.mp4");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.headers.at("content-type"), "video/mp4");
  EXPECT_EQ(code(ask("PUT /s3/films/c", "", "x-amz-copy-source: /films/nothing\r\n")), "NoSuchKey");
  EXPECT_EQ(ask("PUT /s3/films/copy.mp4", "",
                "x-amz-copy-source: /films/copy.mp4\r\nx-amz-metadata-directive: REPLACE\r\n"
                "x-amz-meta-mtime: 7\r\n")
                .status,
            200);
  EXPECT_EQ(ask("HEAD /s3/films/copy.mp4").headers.at("x-amz-meta-mtime"), "7");
}

TEST_F(S3, AMultipartUpload) {
  std::string const id = begin_upload("big.mp4");
  EXPECT_EQ(id.size(), 32u);
  std::string const second = put_part("big.mp4", id, 2, "world");
  std::string const old = put_part("big.mp4", id, 1, "once ");
  std::string const first = put_part("big.mp4", id, 1, "hello, ");
  EXPECT_NE(old, first);
  auto const listed = ask("GET /s3/films/big.mp4?uploadId=" + id).body;
  EXPECT_THAT(listed, HasSubstr("<PartNumber>1</PartNumber>"));
  EXPECT_THAT(listed, HasSubstr("<Size>7</Size>"));
  EXPECT_THAT(ask("GET /s3/films?uploads").body, HasSubstr("<UploadId>" + id));
  EXPECT_FALSE(is_there("films/big.mp4"));
  std::string const line = "POST /s3/films/big.mp4?uploadId=" + id;
  EXPECT_EQ(code(ask(line, complete({{1, old}, {2, second}}))), "InvalidPart");
  EXPECT_EQ(code(ask(line, complete({{1, first}, {3, second}}))), "InvalidPart");
  EXPECT_EQ(code(ask(line, complete({{2, second}, {1, first}}))), "InvalidPartOrder");
  EXPECT_EQ(code(ask("POST /s3/films/other?uploadId=" + id, complete({{1, first}}))),
            "NoSuchUpload");
  auto const done = ask(line, complete({{1, first}, {2, second}}));
  EXPECT_EQ(done.status, 200) << done.body;
  // Python's hashlib: md5(md5("hello, ") + md5("world")).
  EXPECT_EQ(text_of(done.body, "ETag"), "&quot;b6633538fad7ce9d4f91da4ad8fd45c3-2&quot;");
  auto const got = ask("GET /s3/films/big.mp4");
  EXPECT_EQ(got.body, "hello, world");
  EXPECT_EQ(got.headers.at("content-type"), "video/mp4");
  // Who did not hear the answer asks again.
  EXPECT_EQ(ask(line, complete({{1, first}, {2, second}})).body, done.body);
  server.wait_until(
      [&](HttpListener&) { return gateway.list(web::s3::parts_prefix(id), "", 1).files.empty(); });
  EXPECT_EQ(code(ask("GET /s3/films/big.mp4?uploadId=" + id)), "NoSuchUpload");
}

// A node made the object and died before it could say so.
TEST_F(S3, ToCompleteAnUploadAgainIsNoLaterWrite) {
  std::string const id = begin_upload("big");
  std::string const part = put_part("big", id, 1, "hello");
  std::map<std::string, web::FileInfo, std::less<>> files;
  server.on_loop([&](HttpListener&) { files = gateway.files; });
  std::string const line = "POST /s3/films/big?uploadId=" + id;
  for (std::string const stored : {"hello", "newer"}) {
    EXPECT_EQ(ask(line, complete({{1, part}})).status, 200);
    server.wait_until([&](HttpListener&) {
      return gateway.list(web::s3::parts_prefix(id), "", 1).files.empty();
    });
    auto const before = ask("GET /s3/films/big");
    EXPECT_EQ(before.body, stored);
    server.on_loop([&](HttpListener&) {
      gateway.files.erase(web::s3::completed_name(id));
      for (auto const& file : files) gateway.files.insert(file);
    });
    EXPECT_EQ(ask(line, complete({{1, part}})).status, 200);
    auto const after = ask("GET /s3/films/big");
    EXPECT_EQ(after.body, stored);
    EXPECT_EQ(after.headers.at("chisme-version"), before.headers.at("chisme-version"));
    EXPECT_EQ(ask("PUT /s3/films/big", "newer").status, 200);
  }
}

TEST_F(S3, AnObjectThatIsStoredWhileAnUploadsIsMadeStays) {
  std::string const id = begin_upload("big");
  Client slow(server.endpoint());
  begin_to_complete(slow, "big", id, put_part("big", id, 1, "hello"));
  server.on_loop([&](HttpListener&) {
    gateway.add("films/big", "newer", "text/plain");
    gateway.deferred = false;
    gateway.run_later();
  });
  EXPECT_EQ(slow.response()->status, 200);
  EXPECT_EQ(ask("GET /s3/films/big").body, "newer");
}

// ---- Conditions of writes -----------------------------------------------------------------------

TEST_F(S3, AnUploadIsCompletedOnItsConditionAndThenAgain) {
  std::string const id = begin_upload("a.mp4");
  std::string const parts = complete({{1, put_part("a.mp4", id, 1, "other")}});
  std::string const line = "POST /s3/films/a.mp4?uploadId=" + id;
  auto const etag = ask("HEAD /s3/films/a.mp4").headers.at("etag");
  EXPECT_EQ(code(ask(line, parts, "If-None-Match: *\r\n")), "PreconditionFailed");
  EXPECT_EQ(code(ask(line, parts, "If-Match: \"x\"\r\n")), "PreconditionFailed");
  EXPECT_EQ(code(ask(line, parts, "If-None-Match: \"x\"\r\n")), "NotImplemented");
  EXPECT_EQ(ask("GET /s3/films/a.mp4").body, "hello");
  EXPECT_EQ(ask(line, parts, "If-Match: " + etag + "\r\n").status, 200);
  EXPECT_EQ(ask("GET /s3/films/a.mp4").body, "other");
  EXPECT_EQ(ask(line, parts, "If-Match: " + etag + "\r\n").status, 200) << "it is complete";
}

TEST_F(S3, AnUploadIsCompletedOnlyIfItsConditionStillHolds) {
  std::string const id = begin_upload("new");
  Client slow(server.endpoint());
  begin_to_complete(slow, "new", id, put_part("new", id, 1, "hello"), "If-None-Match: *\r\n");
  server.on_loop([&](HttpListener&) {
    gateway.add("films/new", "other", "text/plain");
    gateway.deferred = false;
    gateway.run_later();
  });
  EXPECT_EQ(code(*slow.response()), "PreconditionFailed");
  EXPECT_EQ(ask("GET /s3/films/new").body, "other");
}

TEST_F(S3, CopiesAndRemovalsHaveConditions) {
  std::string const etag = ask("HEAD /s3/films/a.mp4").headers.at("etag");
  std::string const source = "x-amz-copy-source: /films/a.mp4\r\n";
  server.on_loop([&](HttpListener&) { gateway.add("films/b", "b", "text/plain"); });
  EXPECT_EQ(code(ask("PUT /s3/films/b", "", source + "If-None-Match: *\r\n")),
            "PreconditionFailed");
  EXPECT_EQ(code(ask("PUT /s3/films/b", "", source + "If-Match: " + etag + "\r\n")),
            "PreconditionFailed");
  EXPECT_EQ(ask("GET /s3/films/b").body, "b");
  EXPECT_EQ(ask("PUT /s3/films/c", "", source + "If-None-Match: *\r\n").status, 200);
  EXPECT_EQ(code(ask("DELETE /s3/films/b", "", "If-Match: " + etag + "\r\n")),
            "PreconditionFailed");
  EXPECT_EQ(code(ask("DELETE /s3/films/b", "", "If-None-Match: *\r\n")), "NotImplemented");
  EXPECT_EQ(code(ask("DELETE /s3/films/b", "", "x-amz-if-match-size: 1\r\n")), "NotImplemented");
  EXPECT_EQ(code(ask("DELETE /s3/films/nothing", "", "If-Match: *\r\n")), "PreconditionFailed");
  EXPECT_TRUE(is_there("films/b"));
  EXPECT_EQ(ask("DELETE /s3/films/a.mp4", "", "If-Match: " + etag + "\r\n").status, 204);
  EXPECT_FALSE(is_there("films/a.mp4"));
}

// ---- Bounds ------------------------------------------------------------------------------------

TEST(S3OfLittleMemory, DocumentsCountAsBodiesInMemoryDo) {
  web::MemoryGateway gateway;
  gateway.add("films/a.mp4", "hello", "video/mp4");
  HttpSettings settings;
  settings.buffer_bytes_max = 3 * large_buffer_bytes;
  Server server(gateway, settings);
  std::string const half(2 * large_buffer_bytes, ' ');
  std::string const head = "POST /s3/films?delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                           std::to_string(2 * half.size()) + "\r\n\r\n";
  Client first(server.endpoint());
  first.send(head + half + half);
  auto const refused = first.response();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("<Code>SlowDown</Code>"));
  EXPECT_TRUE(refused->headers.contains("retry-after"));
  Client second(server.endpoint());
  second.send("PUT /s3/films/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(second.response()->status, 200) << "it was given back";
}

// Over pages of that size, the ids in the order in which they come.
TEST_F(S3, UploadsUnderWayAreListedPageByPageAlsoBehindManyOthers) {
  std::vector<std::string> expected;
  server.on_loop([&](HttpListener&) {
    for (int i = 0; i < 1203; ++i) {
      bool const is_asked = i == 3 || i == 5 || i == 4 || i >= 1200;
      std::string const digits = std::to_string(10'000 + i);
      std::string const id = std::string(27, 'a') + digits;
      web::s3::UploadAbout const about{is_asked ? "films" : "others", "key " + digits, "a/b", {}};
      gateway.add(web::s3::upload_name(id), web::s3::to_json(about), "a/b");
      if (is_asked) expected.push_back(id);
    }
  });
  for (int const most : {1, 2, 1000}) {
    std::vector<std::string> seen;
    std::string next;
    int pages = 0;
    for (bool more = true; more && pages < 20; ++pages) {
      std::string const page =
          ask("GET /s3/films?uploads&max-uploads=" + std::to_string(most) + next).body;
      for (std::size_t at = 0; (at = page.find("<UploadId>", at)) != std::string::npos; ++at) {
        seen.push_back(page.substr(at + 10, 32));
      }
      more = text_of(page, "IsTruncated") == "true";
      if (!more) continue;
      std::string key = text_of(page, "NextKeyMarker");
      std::ranges::replace(key, ' ', '+');
      EXPECT_FALSE(key.empty()) << "who has no key leaves the id out too";
      next = "&key-marker=" + key + "&upload-id-marker=" + text_of(page, "NextUploadIdMarker");
    }
    EXPECT_EQ(seen, expected) << most;
    EXPECT_GT(pages, 1);
  }
}

TEST_F(S3, AMultipartUploadThatIsAborted) {
  std::string const id = begin_upload("big");
  std::string const part = put_part("big", id, 1, "hello");
  EXPECT_EQ(ask("DELETE /s3/films/big?uploadId=" + id).status, 204);
  EXPECT_EQ(code(ask("POST /s3/films/big?uploadId=" + id, complete({{1, part}}))), "NoSuchUpload");
  EXPECT_EQ(code(ask("PUT /s3/films/big?partNumber=2&uploadId=" + id, "x")), "NoSuchUpload");
  EXPECT_FALSE(is_there("films/big"));
  server.wait_until([&](HttpListener&) { return gateway.files.size() == 1; });
}

// A node that has not heard of a part or a bucket asks the others.
TEST_F(S3, WhatOnlyOthersKnowIsFound) {
  std::string const id = begin_upload("big");
  std::string const part = put_part("big", id, 1, "hello");
  server.on_loop([&](HttpListener&) {
    std::string const name = web::s3::part_name(id, 1);
    gateway.elsewhere[name] = gateway.files.extract(name).mapped();
  });
  EXPECT_EQ(ask("POST /s3/films/big?uploadId=" + id, complete({{1, part}})).status, 200);
  EXPECT_EQ(ask("GET /s3/films/big").body, "hello");
  server.on_loop([&](HttpListener&) { gateway.elsewhere[web::s3::bucket_name("far")] = {}; });
  EXPECT_EQ(ask("PUT /s3/far/x", "hello").status, 200);
}

}  // namespace
}  // namespace chisme::node
