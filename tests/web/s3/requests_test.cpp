#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/web/s3/signing.hpp"
#include "web/names.hpp"
#include "web/s3/address.hpp"

namespace chisme::web::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char md5_of_hello[] = "5d41402abc4b2a76b9719d911017c592";

// An open node with the bucket `films`.
class Requests : public ServiceTest {
 protected:
  Requests() {
    gateway.clock = example_time;
    gateway.judge = &pairs;
    gateway.add("films/a.mp4", "hello", "video/mp4").attributes = "XUFAKrxLKna5cZ2REBfFkg @=12.5";
    for (char const* const name : {"films/b/1", "films/b/2", "films/b/c/3", "films/b0", "films/d/4",
                                   "films/z \xc3\xb1", "filmstrip/x", "single"}) {
      gateway.add(name, name, "text/plain");
    }
    gateway.add(bucket_name("empty"), "", "application/octet-stream");
  }
  // The answer, also after the others were asked.
  Reply answer(std::string const& text) {
    Plan planned = plan(text);
    if (std::holds_alternative<AskOthers>(planned)) planned = plan_after_asking(text);
    auto const* const found = std::get_if<Reply>(&planned);
    EXPECT_NE(found, nullptr) << text << " gave plan " << planned.index();
    return found ? *found : Reply{.status = 999, .headers = {}, .body = {}};
  }
  std::string code(std::string const& text) {
    std::string const body = answer(text).body;
    std::size_t const begin = body.find("<Code>");
    return begin == std::string::npos ? body
                                      : body.substr(begin + 6, body.find("</Code>") - begin - 6);
  }
  // The texts of all elements of that name, each with a comma behind it.
  static std::string all(std::string const& xml, std::string const& name) {
    std::string texts;
    std::string const open = "<" + name + ">";
    for (std::size_t at = xml.find(open); at != std::string::npos; at = xml.find(open, at + 1)) {
      std::size_t const begin = at + open.size();
      texts += xml.substr(begin, xml.find("</" + name + ">", begin) - begin) + ",";
    }
    return texts;
  }
  template <class Work>
  Work work(std::string const& text) {
    auto const wanted = planned<Wanted>(text);
    auto const* const found = std::get_if<Work>(&wanted);
    EXPECT_NE(found, nullptr) << text << " wants " << wanted.index();
    return found ? *found : Work{};
  }
  KnownPairs pairs;
};

// ---- Lists -------------------------------------------------------------------------------------

TEST_F(Requests, ListsBucketsThatWereMadeAndThoseThatHaveObjects) {
  EXPECT_EQ(all(answer("GET /s3/").body, "Name"), "empty,films,filmstrip,");
  EXPECT_EQ(all(answer("GET /s3").body, "Name"), "empty,films,filmstrip,");
}

// Not only those before the first 20 000 files.
TEST_F(Requests, ListsBucketsBehindManyFilesOfOthers) {
  std::string expected = "empty,films,filmstrip,";
  for (int bucket = 0; bucket < 90; ++bucket) {
    std::string const name = "m" + std::to_string(100 + bucket);
    for (int i = 0; i < 260; ++i) {
      gateway.add(name + "/" + std::to_string(i), "x", "text/plain");
    }
    expected += name + ",";
  }
  gateway.add("no bucket/x", "x", "text/plain");
  gateway.add("z/x", "x", "text/plain");
  EXPECT_EQ(all(answer("GET /s3/").body, "Name"), expected + "z,");
}

TEST_F(Requests, ListsObjects) {
  Reply const reply = answer("GET /s3/films?list-type=2");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(all(reply.body, "Key"), "a.mp4,b/1,b/2,b/c/3,b0,d/4,z \xc3\xb1,");
  EXPECT_THAT(reply.body, HasSubstr("<KeyCount>7</KeyCount>"));
  EXPECT_THAT(reply.body, HasSubstr("<ETag>&quot;" + std::string{md5_of_hello} + "&quot;</ETag>"));
  EXPECT_THAT(reply.body, HasSubstr("-1&quot;</ETag>"));
  EXPECT_THAT(reply.body, HasSubstr("<IsTruncated>false</IsTruncated>"));
  EXPECT_EQ(all(answer("GET /s3/empty?list-type=2").body, "Key"), "");
}

TEST_F(Requests, ListsFolders) {
  std::string const top = answer("GET /s3/films?delimiter=/").body;
  EXPECT_EQ(all(top, "Key"), "a.mp4,b0,z \xc3\xb1,");
  EXPECT_EQ(all(top.substr(top.find("<CommonPrefixes>")), "Prefix"), "b/,d/,");
  std::string const below = answer("GET /s3/films?list-type=2&delimiter=/&prefix=b/").body;
  EXPECT_EQ(all(below, "Key"), "b/1,b/2,");
  EXPECT_EQ(all(below.substr(below.find("<CommonPrefixes>")), "Prefix"), "b/c/,");
  EXPECT_EQ(all(answer("GET /s3/films?prefix=b").body, "Key"), "b/1,b/2,b/c/3,b0,");
  EXPECT_EQ(all(answer("GET /s3/films?encoding-type=url&prefix=z").body, "Key"), "z%20%C3%B1,");
}

// By pages of each size, whatever the version and with folders or without, all comes once.
TEST_F(Requests, PagesLeaveNothingOutAndRepeatNothing) {
  for (std::string const& more : {"", "&delimiter=/", "&prefix=b", "&prefix=b&delimiter=/"}) {
    std::string const whole = answer("GET /s3/films?list-type=2" + more).body;
    std::string const rest = whole.substr(std::min(whole.find("<CommonPrefixes>"), whole.size()));
    std::string const expected = all(whole, "Key") + all(rest, "Prefix");
    for (int most = 1; most < 9; ++most) {
      for (bool const v2 : {false, true}) {
        std::string seen_keys;
        std::string seen_prefixes;
        std::string next;
        int pages = 0;
        do {
          std::string const page =
              answer("GET /s3/films?max-keys=" + std::to_string(most) + more +
                     (v2 ? "&list-type=2" : "") +
                     (next.empty() ? "" : (v2 ? "&continuation-token=" : "&marker=") + next))
                  .body;
          seen_keys += all(page, "Key");
          std::size_t const common = page.find("<CommonPrefixes>");
          if (common != std::string::npos) seen_prefixes += all(page.substr(common), "Prefix");
          std::string const told = all(page, v2 ? "NextContinuationToken" : "NextMarker");
          EXPECT_EQ(told.empty(), page.find("<IsTruncated>true") == std::string::npos);
          next.clear();
          for (char const c : told.substr(0, told.empty() ? 0 : told.size() - 1)) {
            next += c == '+' ? "%2B" : c == ' ' ? "%20" : std::string(1, c);
          }
        } while (!next.empty() && ++pages < 20);
        EXPECT_EQ(seen_keys + seen_prefixes, expected) << most << more << v2;
      }
    }
  }
}

TEST_F(Requests, WhatIsNoListIsSaidToBeNone) {
  EXPECT_EQ(code("GET /s3/nothing?list-type=2"), "NoSuchBucket");
  EXPECT_EQ(code("GET /s3/film?list-type=2"), "NoSuchBucket");
  EXPECT_EQ(code("GET /s3/single?list-type=2"), "NoSuchBucket");
  EXPECT_EQ(code("GET /s3/-bad-?list-type=2"), "InvalidBucketName");
  EXPECT_EQ(code("GET /s3/films?list-type=1"), "InvalidArgument");
  EXPECT_EQ(code("GET /s3/films?max-keys=x"), "InvalidArgument");
  EXPECT_EQ(code("GET /s3/films?list-type=2&continuation-token=*"), "InvalidArgument");
  EXPECT_EQ(answer("HEAD /s3/nothing").status, 404u);
  EXPECT_EQ(answer("HEAD /s3/films").status, 200u);
  EXPECT_THAT(answer("GET /s3/films?location").body, HasSubstr("<LocationConstraint"));
  gateway.elsewhere[bucket_name("far")] = FileInfo{};
  EXPECT_EQ(answer("HEAD /s3/far").status, 200u);
  gateway.in_touch = false;
  EXPECT_EQ(code("GET /s3/nothing?list-type=2"), "ServiceUnavailable");
}

// ---- Objects -----------------------------------------------------------------------------------

TEST_F(Requests, GetsAnObjectFromHere) {
  auto const sent = planned<SendObject>("GET /s3/films/a.mp4");
  EXPECT_EQ(sent.head.status, 200u);
  EXPECT_EQ(header_of(sent.head, "ETag"), '"' + std::string{md5_of_hello} + '"');
  EXPECT_EQ(header_of(sent.head, "x-amz-meta-mtime"), "12.5");
  EXPECT_THAT(header_of(sent.head, "Content-Security-Policy"), HasSubstr("sandbox"));
  auto const part = planned<SendObject>("GET /s3/films/a.mp4\nRange: bytes=1-2");
  EXPECT_EQ(part.head.status, 206u);
  EXPECT_EQ(part.length, ByteCount{2});
  EXPECT_EQ(header_of(part.head, "Content-Range"), "bytes 1-2/5");
  EXPECT_EQ(code("GET /s3/films/a.mp4\nRange: bytes=5-"), "InvalidRange");
}

TEST_F(Requests, GetsFromHoldersWhatIsNotHereAndRedirectsNobody) {
  gateway.files["films/a.mp4"].local = false;
  auto const relayed = planned<RelayObject>("GET /s3/films/a.mp4\nRange: bytes=1-2");
  EXPECT_EQ(relayed.offset, ByteOffset{1});
  gateway.holders.clear();
  EXPECT_EQ(code("GET /s3/films/a.mp4"), "ServiceUnavailable");
}

TEST_F(Requests, WhatIsNotThereIsSaidToBeMissing) {
  EXPECT_EQ(planned<AskOthers>("GET /s3/films/nothing").name, "films/nothing");
  EXPECT_EQ(code("GET /s3/films/nothing"), "NoSuchKey");
  EXPECT_EQ(code("GET /s3/films/folder/"), "NoSuchKey");
  EXPECT_EQ(code("GET /s3/nothing/x"), "NoSuchBucket");
  gateway.absent_because["films/a.mp4"] = LookupStatus::lost;
  EXPECT_EQ(answer("GET /s3/films/a.mp4").status, 410u);
  gateway.in_touch = false;
  EXPECT_EQ(code("GET /s3/films/nothing"), "ServiceUnavailable");
}

TEST_F(Requests, Conditions) {
  std::string const get = "GET /s3/films/a.mp4\n";
  std::string const tag = '"' + std::string{md5_of_hello} + '"';
  EXPECT_EQ(answer(get + "If-None-Match: " + tag).status, 304u);
  EXPECT_EQ(code(get + "If-Match: \"other\""), "PreconditionFailed");
  EXPECT_EQ(planned<SendObject>(get + "If-Match: " + tag).head.status, 200u);
  EXPECT_EQ(planned<SendObject>(get + "If-None-Match: \"other\"").head.status, 200u);
  EXPECT_EQ(answer(get + "If-Modified-Since: Wed, 01 Jan 2025 00:00:00 GMT").status, 304u);
  EXPECT_EQ(code(get + "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT"), "PreconditionFailed");
  EXPECT_EQ(code("PUT /s3/films/a.mp4\nContent-Length: 1\nIf-None-Match: *"), "PreconditionFailed");
  EXPECT_EQ(code("PUT /s3/films/a.mp4\nContent-Length: 1\nIf-Match: \"x\""), "PreconditionFailed");
  auto const put = work<PutObject>("PUT /s3/films/a.mp4\nContent-Length: 1\nIf-Match: " + tag);
  EXPECT_EQ(put.upload.condition.must_match.size(), 1u);
}

TEST_F(Requests, PutsAnObject) {
  auto const put = work<PutObject>(
      "PUT /s3/films/dir/n%20%C3%B1.mp4\nContent-Length: 5\nx-amz-meta-Mtime: 1.5"
      "\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\nx-amz-content-sha256: " +
      hex(sha256("hello")));
  EXPECT_EQ(put.upload.name, "films/dir/n \xc3\xb1.mp4");
  EXPECT_EQ(put.upload.type, "video/mp4");
  EXPECT_EQ(put.upload.size, ByteCount{5});
  EXPECT_EQ(to_hex(*put.upload.expected), hex(sha256("hello")));
  EXPECT_EQ(hex(*put.payload.md5), md5_of_hello);
  ASSERT_EQ(put.attributes.metadata.size(), 1u);
  EXPECT_EQ(put.attributes.metadata[0].first, "mtime");
  auto const other = work<PutObject>("PUT /s3/films/x\nContent-Length: 5\nContent-Type: a/b");
  EXPECT_EQ(other.upload.type, "a/b");
  EXPECT_FALSE(other.upload.expected);
}

TEST_F(Requests, MetadataThatHasNoRoomIsRefusedButForWhatNobodyNeeds) {
  std::string const put = "PUT /s3/films/x\nContent-Length: 1\n";
  EXPECT_EQ(code(put + "x-amz-meta-a: " + std::string(200, 'x')), "MetadataTooLarge");
  auto const by_s3cmd = work<PutObject>(put + "x-amz-meta-s3cmd-attrs: " + std::string(200, 'x') +
                                        "\nx-amz-meta-a: b");
  EXPECT_EQ(by_s3cmd.attributes.metadata.size(), 1u);
}

TEST_F(Requests, ChunkedPayloads) {
  std::string const put =
      "PUT /s3/films/x\nContent-Length: 50\nContent-Encoding: aws-chunked"
      "\nx-amz-decoded-content-length: 5";
  auto const plain =
      work<PutObject>(put + "\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  EXPECT_EQ(plain.upload.size, ByteCount{5});
  EXPECT_TRUE(plain.payload.chunks->trailers);
  EXPECT_FALSE(plain.payload.chunks->signing);
  EXPECT_EQ(code(put + "\nx-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            "InvalidArgument");
  auto const by_key = work<PutObject>(
      signed_request(put, example_key, example_secret, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
  ASSERT_TRUE(by_key.payload.chunks->signing);
  EXPECT_EQ(by_key.payload.chunks->signing->signature.size(), 64u);
  EXPECT_EQ(code("PUT /s3/films/x\nContent-Length: 1\nx-amz-content-sha256: STREAMING-OTHER"),
            "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/x\nContent-Length: 1\nContent-Encoding: gzip"), "NotImplemented");
}

TEST_F(Requests, PutsThatCannotBeAreRefused) {
  std::string const body = "\nContent-Length: 1";
  EXPECT_EQ(code("PUT /s3/films/folder/" + body), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/a/../b" + body), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/%01a" + body), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/%01uploads/x" + body), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/" + std::string(1019, 'k') + body), "KeyTooLongError");
  EXPECT_EQ(code("PUT /s3/films/%zz" + body), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/x\nContent-Length: 1001"), "EntityTooLarge");
  EXPECT_EQ(code("PUT /s3/films/x\nContent-MD5: abc" + body), "InvalidDigest");
  EXPECT_EQ(code("PUT /s3/s3"), "InvalidBucketName");
  EXPECT_EQ(code("PUT /s3/.a"), "InvalidBucketName");
  EXPECT_EQ(work<CreateBucket>("PUT /s3/new").bucket, "new");
}

TEST_F(Requests, MultipartUploads) {
  std::string const id(32, 'a');
  EXPECT_EQ(work<CreateUpload>("POST /s3/films/x?uploads").place.name, "films/x");
  auto const part =
      work<PutPart>("PUT /s3/films/x?partNumber=7&uploadId=" + id + "\nContent-Length: 3");
  EXPECT_EQ(part.number, 7u);
  EXPECT_EQ(part.id, id);
  EXPECT_EQ(work<CompleteUpload>("POST /s3/films/x?uploadId=" + id).id, id);
  EXPECT_EQ(work<AbortUpload>("DELETE /s3/films/x?uploadId=" + id).id, id);
  EXPECT_EQ(work<ListParts>("GET /s3/films/x?uploadId=" + id + "&max-parts=9999").parts_max, 1000u);
  EXPECT_EQ(work<ListUploads>("GET /s3/films?uploads&prefix=x").prefix, "x");
  for (char const* const number : {"0", "10001", "x", "-1"}) {
    EXPECT_EQ(code("PUT /s3/films/x?uploadId=" + id + "&partNumber=" + number), "InvalidArgument");
  }
  EXPECT_EQ(code("PUT /s3/films/x?partNumber=1&uploadId=../about"), "NoSuchUpload");
  EXPECT_EQ(code("PUT /s3/films/x?partNumber=1&uploadId=" + id + "\nx-amz-copy-source: /a/b"),
            "NotImplemented");
}

TEST_F(Requests, Copies) {
  auto const copy =
      work<CopyObject>("PUT /s3/films/y\nx-amz-copy-source: films/b%2F1\nContent-Length: 0");
  EXPECT_EQ(copy.source, "films/b/1");
  EXPECT_FALSE(copy.replaces);
  EXPECT_EQ(code("PUT /s3/films/y\nx-amz-copy-source: /films/y"), "InvalidRequest");
  EXPECT_TRUE(work<CopyObject>("PUT /s3/films/y\nx-amz-copy-source: /films/y"
                               "\nx-amz-metadata-directive: REPLACE")
                  .replaces);
  EXPECT_EQ(code("PUT /s3/films/y\nx-amz-copy-source: /films"), "InvalidArgument");
  EXPECT_EQ(code("PUT /s3/films/y\nx-amz-copy-source: /%01uploads/x"), "InvalidArgument");
}

TEST_F(Requests, WhatIsNotServedIsSaidNotToBe) {
  for (char const* const text :
       {"GET /s3/films?acl", "GET /s3/films?policy", "PUT /s3/films?versioning",
        "GET /s3/films?versions", "GET /s3/films/a.mp4?tagging", "GET /s3/films/a.mp4?versionId=1",
        "PUT /s3/films/a.mp4?acl", "POST /s3/films/a.mp4?select", "DELETE /s3/films?cors",
        "GET /s3/films/a.mp4?response-content-type=text/html", "POST /s3/films",
        "PUT /s3/films/x\nx-amz-server-side-encryption: AES256",
        "PUT /s3/films/x\nx-amz-acl: public-read", "PUT /s3/films/x\nx-amz-tagging: a=b",
        "PUT /s3/films/x\nx-amz-storage-class: GLACIER"}) {
    EXPECT_EQ(answer(text).status, 501u) << text;
    EXPECT_EQ(code(text), "NotImplemented") << text;
  }
}

TEST_F(Requests, DeletesAreFoldersTooAndEndWell) {
  EXPECT_EQ(work<DeleteObject>("DELETE /s3/films/a.mp4").place.name, "films/a.mp4");
  EXPECT_EQ(answer("DELETE /s3/films/folder/").status, 204u);
  EXPECT_EQ(code("DELETE /s3/nothing"), "NoSuchBucket");
  EXPECT_EQ(work<DeleteBucket>("DELETE /s3/empty").bucket, "empty");
  EXPECT_EQ(work<DeleteObjects>("POST /s3/films?delete\nContent-Length: 10").bucket, "films");
}

// ---- The way in --------------------------------------------------------------------------------

TEST_F(Requests, WhatIsSignedIsS3AtTheRootToo) {
  EXPECT_THAT(answer(signed_request("GET /films?list-type=2", "chisme", "chisme")).body,
              HasSubstr("<Key>a.mp4</Key>"));
  EXPECT_THAT(answer(signed_request("GET /", "chisme", "chisme")).body,
              HasSubstr("ListAllMyBucketsResult"));
  EXPECT_EQ(work<PutObject>(signed_request("PUT /files/x\nContent-Length: 1", "chisme", "chisme"))
                .place.bucket,
            "files");
  EXPECT_EQ(code(signed_request("GET /films/a.mp4", "chisme", "wrong")), "SignatureDoesNotMatch");
  EXPECT_THAT(reply("GET /").body, Not(HasSubstr("ListAllMyBucketsResult")));
}

TEST_F(Requests, ANodeThatWantsTokensSaysSoInXml) {
  Service strict{gateway, {.access = AccessMode::token, .hosts = {}, .assets = assets}};
  auto const refused = strict.plan(request_of("GET /s3/films/a.mp4\nAccept: text/html"));
  Reply const& reply = std::get<Reply>(refused);
  EXPECT_EQ(reply.status, 401u);
  EXPECT_THAT(reply.body, HasSubstr("<Code>AccessDenied</Code>"));
  EXPECT_EQ(header_of(reply, "Content-Type"), "application/xml");
  std::string const get = signed_request("GET /s3/films/a.mp4", example_key, example_secret);
  EXPECT_TRUE(std::holds_alternative<SendObject>(strict.plan(request_of(get))));
  pairs.pairs[example_key].bearer->role = Role::read;
  EXPECT_TRUE(std::holds_alternative<SendObject>(strict.plan(request_of(get))));
  std::string const put =
      signed_request("PUT /s3/films/x\nContent-Length: 1", example_key, example_secret);
  EXPECT_EQ(std::get<Reply>(strict.plan(request_of(put))).status, 403u);
}

TEST_F(Requests, AnObjectIsNoScriptOfThePage) {
  EXPECT_EQ(status("GET /s3/films/a.mp4\nSec-Fetch-Site: same-origin\nSec-Fetch-Dest: script"),
            403u);
  EXPECT_EQ(code("PUT /s3/films/x\nContent-Length: 1\nOrigin: https://evil.example"),
            "AccessDenied");
}

TEST(Address, NamesOfAnUploadsFiles) {
  std::string const id(32, '0');
  EXPECT_TRUE(is_internal(upload_name(id)));
  EXPECT_LT(part_name(id, 9), part_name(id, 10));
  EXPECT_EQ(part_number(part_name(id, 10'000)), 10'000u);
  UploadAbout const about{"b", "k\"\n", "a/b", {"", {{"m", "v"}}}};
  EXPECT_EQ(parse_upload(to_json(about)), about);
  for (char const* const text : {"", "[]", "{}", "{\"bucket\":1}", "{\"bucket\":\"b\"}"}) {
    EXPECT_FALSE(parse_upload(text)) << text;
  }
}

}  // namespace
}  // namespace chisme::web::s3
