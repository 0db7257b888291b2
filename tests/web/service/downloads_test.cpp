#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"
#include "web/conditions.hpp"
#include "web/digest_fields.hpp"

namespace chisme::web {
namespace {

class Downloads : public ServiceTest {
 protected:
  // What a redirect says of the version that this node knows.
  std::string version_parameter(std::string const& name) {
    return "&version=" + gateway.files.at(name).version;
  }
};

TEST_F(Downloads, ALocalFileIsSentWithItsValidatorsAndDuplicates) {
  auto const send = planned<SendObject>("GET /files/local.mp4");
  EXPECT_EQ(send.head.status, 200u);
  EXPECT_EQ(send.offset, ByteOffset{0});
  EXPECT_EQ(send.length, ByteCount{12});
  Digest const digest = sha256_of("hello, world");
  EXPECT_EQ(header_of(send.head, "ETag"), '"' + to_hex(digest) + '"');
  EXPECT_EQ(header_of(send.head, "Content-Type"), "video/mp4");
  EXPECT_EQ(header_of(send.head, "Content-Disposition"), "inline; filename=\"local.mp4\"");
  EXPECT_EQ(header_of(send.head, "Last-Modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
  EXPECT_EQ(header_of(send.head, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header_of(send.head, "Repr-Digest"), "sha-256=:" + base64(digest) + ":");
  EXPECT_EQ(header_of(send.head, "Digest"), "SHA-256=" + base64(digest));
  EXPECT_EQ(header_of(send.head, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header_of(send.head, "Content-Security-Policy"),
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
            "media-src 'self'");
  EXPECT_EQ(header_of(send.head, "Link"),
            "<http://127.0.0.1:7702/files/local.mp4?via=local>; rel=duplicate; pri=1 | "
            "<http://127.0.0.1:7703/files/local.mp4?via=local>; rel=duplicate; pri=2");
}

TEST_F(Downloads, OnlyHarmlessTypesAreShownInPlace) {
  gateway.add("evil.html", "<script>", "text/html");
  gateway.add("evil.svg", "<svg>", "image/svg+xml");
  gateway.add("a.pdf", "%PDF", "application/pdf");
  auto const disposition = [&](std::string const& target) {
    return header_of(planned<SendObject>("GET " + target).head, "Content-Disposition");
  };
  EXPECT_EQ(disposition("/files/evil.html"), "attachment; filename=\"evil.html\"");
  EXPECT_EQ(disposition("/files/evil.svg"), "attachment; filename=\"evil.svg\"");
  EXPECT_EQ(disposition("/files/a.pdf"), "inline; filename=\"a.pdf\"");
  EXPECT_EQ(disposition("/files/a.pdf?download=1"), "attachment; filename=\"a.pdf\"");
  EXPECT_EQ(disposition("/client?file=a.pdf"), "attachment; filename=\"a.pdf\"");
}

TEST_F(Downloads, PlainTextIsUtf8UnlessItsTypeSaysOtherwise) {
  gateway.add("notes.txt", "\xc3\xbc", "text/plain");
  gateway.add("old.txt", "\xfc", "text/plain; charset=iso-8859-1");
  auto const type = [&](std::string const& target) {
    return header_of(planned<SendObject>("GET " + target).head, "Content-Type");
  };
  EXPECT_EQ(type("/files/notes.txt"), "text/plain; charset=utf-8");
  EXPECT_EQ(type("/files/old.txt"), "text/plain; charset=iso-8859-1");
}

struct RangeCase {
  char const* range;
  unsigned status;
  std::uint64_t offset;
  std::uint64_t length;
  char const* content_range;
};
TEST_F(Downloads, RangesSelectBytes) {
  for (RangeCase const& one : std::initializer_list<RangeCase>{
           {"bytes=0-", 206, 0, 12, "bytes 0-11/12"},
           {"bytes=3-5", 206, 3, 3, "bytes 3-5/12"},
           {"bytes=11-100", 206, 11, 1, "bytes 11-11/12"},
           {"bytes=-5", 206, 7, 5, "bytes 7-11/12"},
           {"bytes=-100", 206, 0, 12, "bytes 0-11/12"},
           {"Bytes = 3-5", 206, 3, 3, "bytes 3-5/12"},
           {"bytes=3-18446744073709551616", 206, 3, 9, "bytes 3-11/12"},
           {"bytes=1-2,4-5", 200, 0, 12, ""},
           {"bytes=5-3", 200, 0, 12, ""},
           {"bytes=a-b", 200, 0, 12, ""},
           {"bytes=-", 200, 0, 12, ""},
           {"lines=1-2", 200, 0, 12, ""}}) {
    auto const send = planned<SendObject>("GET /files/local.mp4\nRange: " + std::string{one.range});
    EXPECT_EQ(send.head.status, one.status) << one.range;
    EXPECT_EQ(send.offset, ByteOffset{one.offset}) << one.range;
    EXPECT_EQ(send.length, ByteCount{one.length}) << one.range;
    EXPECT_EQ(header_of(send.head, "Content-Range"), one.content_range) << one.range;
  }
}

TEST_F(Downloads, ARangeBehindTheEndIsRefusedWithTheSize) {
  gateway.add("empty", "", "text/plain");
  for (char const* text : {"GET /files/local.mp4\nRange: bytes=12-",
                           "GET /files/local.mp4\nRange: bytes=18446744073709551616-",
                           "GET /files/local.mp4\nRange: bytes=-0"}) {
    EXPECT_EQ(status(text), 416u) << text;
    EXPECT_EQ(header_of(reply(text), "Content-Range"), "bytes */12") << text;
  }
  EXPECT_EQ(status("GET /files/empty\nRange: bytes=0-"), 416u);
  EXPECT_EQ(planned<SendObject>("GET /files/empty").length, ByteCount{0});
}

TEST_F(Downloads, HeadIgnoresRanges) {
  auto const send = planned<SendObject>("HEAD /files/local.mp4\nRange: bytes=3-5");
  EXPECT_EQ(send.head.status, 200u);
  EXPECT_EQ(send.length, ByteCount{12});
}

TEST_F(Downloads, ATransferContinuesOnlyWithTheSameFile) {
  std::string const etag = etag_of(sha256_of("hello, world"));
  auto const status_with = [&](std::string const& condition) {
    return planned<SendObject>("GET /files/local.mp4\nRange: bytes=3-\nIf-Range: " + condition)
        .head.status;
  };
  EXPECT_EQ(status_with(etag), 206u);
  EXPECT_EQ(status_with("W/" + etag), 200u);
  EXPECT_EQ(status_with(etag_of(sha256_of("other"))), 200u);
  EXPECT_EQ(status_with("Tue, 14 Nov 2023 22:13:20 GMT"), 200u);
}

TEST_F(Downloads, PreconditionsAreAnsweredByAnyNode) {
  std::string const same = etag_of(sha256_of("from elsewhere"));
  std::string const other = etag_of(sha256_of("other"));
  auto const with = [](std::string const& headers) { return "GET /files/remote.txt\n" + headers; };
  EXPECT_EQ(status(with("If-None-Match: " + same)), 304u);
  EXPECT_EQ(status(with("If-None-Match: " + other + ", W/" + same)), 304u);
  EXPECT_EQ(status(with("If-None-Match: *")), 304u);
  EXPECT_EQ(status(with("If-None-Match: " + other)), 307u);
  EXPECT_EQ(status(with("If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT")), 304u);
  EXPECT_EQ(status(with("If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT")), 307u);
  EXPECT_EQ(status(with("If-None-Match: " + other +
                        "\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT")),
            307u);
  EXPECT_EQ(status(with("If-Match: " + other)), 412u);
  EXPECT_EQ(status(with("If-Match: W/" + same)), 412u);
  EXPECT_EQ(status(with("If-Match: " + same)), 307u);
  EXPECT_EQ(status(with("If-Unmodified-Since: Tue, 14 Nov 2023 22:13:19 GMT")), 412u);
  EXPECT_EQ(status(with("If-Unmodified-Since: nonsense")), 307u);
  Reply const unchanged = reply(with("If-None-Match: " + same));
  EXPECT_EQ(header_of(unchanged, "ETag"), same);
  EXPECT_NE(header_of(unchanged, "Link"), "");
  EXPECT_TRUE(unchanged.body.empty());
}

TEST_F(Downloads, AFileThatIsNotHereIsRedirectedToTheBestHolder) {
  for (char const* method : {"GET", "HEAD"}) {
    Reply const redirect = reply(std::string{method} + " /files/remote.txt?version=00");
    EXPECT_EQ(redirect.status, 307u);
    EXPECT_EQ(header_of(redirect, "Location"),
              "http://127.0.0.1:7702/files/remote.txt?hop=0" + version_parameter("remote.txt"));
    EXPECT_EQ(header_of(redirect, "Cache-Control"), "no-store");
    EXPECT_NE(header_of(redirect, "Link").find("rel=duplicate; pri=2"), std::string::npos);
    EXPECT_EQ(header_of(redirect, "Digest").rfind("SHA-256=", 0), 0u);
    EXPECT_EQ(header_of(redirect, "Repr-Digest").rfind("sha-256=:", 0), 0u);
  }
  EXPECT_EQ(gateway.redirects, 2);
}

TEST_F(Downloads, NamesAreEncodedInRedirects) {
  gateway
      .add(
          "d/ma\xc3\xb1"
          "ana 100%.mp4",
          "x", "video/mp4")
      .local = false;
  Reply const redirect = reply("GET /files/d/man%CC%83ana%20100%25.mp4");
  EXPECT_EQ(header_of(redirect, "Location"),
            "http://127.0.0.1:7702/files/d/ma%C3%B1ana%20100%25.mp4?hop=0" +
                version_parameter("d/ma\xc3\xb1"
                                  "ana 100%.mp4"));
}

TEST_F(Downloads, AHolderUnderLoadSendsOnOnceAndNeverAgain) {
  gateway.bounce_to = gateway.holders[1];
  EXPECT_EQ(header_of(reply("GET /files/local.mp4"), "Location"),
            "http://127.0.0.1:7703/files/local.mp4?hop=1" + version_parameter("local.mp4"));
  EXPECT_EQ(
      header_of(reply("GET /files/local.mp4?hop=0&download=1"), "Location"),
      "http://127.0.0.1:7703/files/local.mp4?hop=1&download=1" + version_parameter("local.mp4"));
  EXPECT_EQ(planned<SendObject>("GET /files/local.mp4?hop=1").head.status, 200u);
  EXPECT_EQ(planned<SendObject>("GET /files/local.mp4?via=local").head.status, 200u);
  EXPECT_EQ(planned<SendObject>("GET /files/local.mp4?via=proxy").head.status, 200u);
}

TEST_F(Downloads, ARedirectedRequestForAFileThatIsNotHereIsRelayedNotRedirectedAgain) {
  for (char const* hop : {"0", "1"}) {
    auto const relay =
        planned<RelayObject>("GET /files/remote.txt?hop=" + std::string{hop} + "\nRange: bytes=5-");
    EXPECT_EQ(relay.head.status, 206u);
    EXPECT_EQ(relay.offset, ByteOffset{5});
    EXPECT_EQ(relay.length, ByteCount{9});
  }
  EXPECT_EQ(gateway.redirects, 0);
}

TEST_F(Downloads, ViaChoosesHowTheBytesCome) {
  EXPECT_EQ(planned<RelayObject>("GET /files/remote.txt?via=proxy").file.name, "remote.txt");
  Reply const absent = reply("GET /files/remote.txt?via=local");
  EXPECT_EQ(absent.status, 404u);
  EXPECT_NE(header_of(absent, "Link"), "");
  EXPECT_EQ(status("GET /files/remote.txt?via=pigeon"), 400u);
}

TEST_F(Downloads, WithoutAHolderInReachTheClientIsAskedToComeBack) {
  gateway.holders.clear();
  for (char const* target :
       {"/files/remote.txt", "/files/remote.txt?via=proxy", "/files/remote.txt?hop=1",
        "/client?file=remote.txt", "/redirect?file=remote.txt", "/redirect"}) {
    Reply const refused = reply("GET " + std::string{target});
    EXPECT_EQ(refused.status, 503u) << target;
    EXPECT_EQ(header_of(refused, "Retry-After"), "2") << target;
  }
}

TEST_F(Downloads, AnUnknownNameIsAskedOfTheOthersFirst) {
  for (char const* target : {"/files/x", "/client?file=x", "/redirect?file=x", "/route?file=x"}) {
    std::string const get = "GET " + std::string{target};
    EXPECT_EQ(planned<AskOthers>(get).name, "x");
    EXPECT_EQ(std::get<Reply>(plan_after_asking(get)).status, 404u) << target;
  }
  gateway.elsewhere["x"] = gateway.files["remote.txt"];
  EXPECT_EQ(std::get<Reply>(plan_after_asking("GET /files/x")).status, 307u);
  Request const request = request_of("GET /files/x");
  Plan const failed = service.plan_with(request, fail(Fault::unavailable, "nobody answers"));
  EXPECT_EQ(std::get<Reply>(failed).status, 503u);
}

TEST_F(Downloads, OutOfTouchIsNotAbsentAndLostIsSaid) {
  gateway.in_touch = false;
  Reply const unsure = std::get<Reply>(plan_after_asking("GET /files/x"));
  EXPECT_EQ(unsure.status, 503u);
  EXPECT_EQ(header_of(unsure, "Retry-After"), "2");
  gateway.absent_because["gone.txt"] = LookupStatus::lost;
  Reply const lost = std::get<Reply>(plan_after_asking("GET /files/gone.txt"));
  EXPECT_EQ(lost.status, 410u);
  EXPECT_NE(lost.body.find("gone.txt"), std::string::npos);
}

TEST_F(Downloads, AFileWithoutAKnownCopyIsNotCalledLostBeforeOthersWereAsked) {
  gateway.absent_because["a"] = LookupStatus::lost;
  EXPECT_EQ(planned<AskOthers>("GET /files/a").name, "a");
}

TEST_F(Downloads, AVersionThatTheClientHasSeenIsLookedForElsewhere) {
  std::string const newer = "0000000000000099-00000000000000000000000000000001";
  std::string const get = "GET /files/local.mp4?version=" + newer;
  EXPECT_EQ(planned<AskOthers>(get).name, "local.mp4");
  EXPECT_EQ(std::get<Reply>(plan_after_asking(get)).status, 503u);
  FileInfo found = gateway.files["local.mp4"];
  found.version = newer;
  gateway.elsewhere["local.mp4"] = found;
  EXPECT_EQ(std::get<SendObject>(plan_after_asking(get)).file.version, newer);
}

TEST_F(Downloads, RedirectAlwaysRedirects) {
  EXPECT_EQ(header_of(reply("GET /redirect?file=remote.txt"), "Location"),
            "http://127.0.0.1:7702/files/remote.txt?hop=0" + version_parameter("remote.txt"));
  EXPECT_EQ(header_of(reply("GET /redirect?file=local.mp4"), "Location"),
            "http://127.0.0.1:7702/files/local.mp4?hop=0" + version_parameter("local.mp4"));
  Reply const page = reply("GET /redirect");
  EXPECT_EQ(page.status, 307u);
  EXPECT_EQ(header_of(page, "Location"), "http://127.0.0.1:7702/");
  EXPECT_EQ(header_of(page, "Cache-Control"), "no-store");
}

TEST_F(Downloads, ClientRedirectsToADownload) {
  EXPECT_EQ(
      header_of(reply("GET /client?file=remote.txt"), "Location"),
      "http://127.0.0.1:7702/files/remote.txt?hop=0&download=1" + version_parameter("remote.txt"));
}

TEST_F(Downloads, RouteListsTheHoldersInOrder) {
  Reply const route = reply("GET /route?file=remote.txt");
  EXPECT_EQ(route.status, 200u);
  EXPECT_EQ(header_of(route, "Content-Type"), "application/json");
  EXPECT_EQ(route.body,
            "{\"file\":\"remote.txt\",\"version\":\"" + gateway.files["remote.txt"].version +
                "\",\"size\":14,\"type\":\"text/plain\",\"sha256\":\"" +
                to_hex(sha256_of("from elsewhere")) +
                "\",\"replicas\":[{\"node\":\"00000000000000000000000000000002\","
                "\"http\":\"http://127.0.0.1:7702\",\"ws\":\"ws://127.0.0.1:7702\",\"load\":1.0},"
                "{\"node\":\"00000000000000000000000000000003\","
                "\"http\":\"http://127.0.0.1:7703\",\"ws\":\"ws://127.0.0.1:7703\",\"load\":2.0}"
                "]}\n");
}

TEST_F(Downloads, BadNamesAreRefusedWithASentence) {
  for (char const* target : {"/files/",
                             "/files/..",
                             "/files/a/../b",
                             "/files/%2e%2e",
                             "/files/a//b",
                             "/files//a",
                             "/files/a/",
                             "/files/%00",
                             "/files/a%0Ab",
                             "/files/%ff",
                             "/files/%",
                             "/files/%4",
                             "/files/%zz",
                             "/client?file=..",
                             "/client",
                             "/route",
                             "/route?file=",
                             "/files/.",
                             "/redirect?file=a%2F..%2Fb",
                             "/files/a?x=%zz"}) {
    Reply const refused = reply("GET " + std::string{target});
    EXPECT_EQ(refused.status, 400u) << target;
    EXPECT_EQ(header_of(refused, "Content-Type"), "application/problem+json") << target;
    EXPECT_NE(refused.body.find("\"detail\":\""), std::string::npos) << target;
  }
  EXPECT_EQ(status("GET /files/" + std::string(1025, 'a')), 400u);
  EXPECT_EQ(planned<AskOthers>("GET /files/" + std::string(1024, 'a')).name,
            std::string(1024, 'a'));
  // Decoded once: %252e stays an escape in the name.
  EXPECT_EQ(planned<AskOthers>("GET /files/%252e%252e").name, "%2e%2e");
  EXPECT_EQ(planned<AskOthers>("GET /client?file=a+b%2Bc").name, "a b+c");
}

}  // namespace
}  // namespace chisme::web
