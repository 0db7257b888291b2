#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "cluster/base/random.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/digest_fields.hpp"
#include "web/http_date.hpp"
#include "web/json.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/ranges.hpp"
#include "web/scheme.hpp"
#include "web/target.hpp"

namespace chisme::web {
namespace {

TEST(Names, AreNormalisedAndReadBackFromUrls) {
  EXPECT_EQ(checked_name("man\xcc\x83"
                         "ana"),
            "ma\xc3\xb1"
            "ana");
  for (std::string const& name :
       {"a", "a/b c", "100%", "a?b#c&d=e+f", "\xf0\x9f\x8e\xac.mp4", "CON", "a.", "..a", "a\\b",
        "\xe2\x80\xae"
        "fdp"}) {
    EXPECT_EQ(checked_name(name), name);
    EXPECT_EQ(name_from_url(percent_encoded(name)), name);
  }
}

TEST(Names, ThatBreakARuleAreRefused) {
  for (std::string const& name :
       {std::string{}, std::string{"\0", 1}, std::string{"a\nb"}, std::string{"\x7f"},
        std::string{"\xc2\x85"}, std::string{"\xe2\x80\xa8"}, std::string{"/a"}, std::string{"a/"},
        std::string{"a//b"}, std::string{"."}, std::string{".."}, std::string{"a/./b"},
        std::string{"\xff"}, std::string{"\xc0\xaf"}, std::string{"\xed\xa0\x80"},
        std::string(1025, 'a')}) {
    auto const checked = checked_name(name);
    ASSERT_FALSE(checked) << testing::PrintToString(name);
    EXPECT_EQ(checked.error().fault, Fault::invalid);
  }
  EXPECT_TRUE(checked_name(std::string(1024, 'a')));
}

TEST(Names, AnyNameThatPassesIsAFixedPoint) {
  Random random{5};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    std::uint64_t const size = random.below(12);
    for (std::uint64_t i = 0; i < size; ++i) text += static_cast<char>(random.below(256));
    auto const name = checked_name(text);
    if (!name) continue;
    EXPECT_EQ(checked_name(*name), *name);
    EXPECT_EQ(name_from_url(percent_encoded(*name)), *name);
  }
}

TEST(Names, ContentDispositionKeepsForeignLetters) {
  EXPECT_EQ(content_disposition("attachment", "d/a.txt"), "attachment; filename=\"a.txt\"");
  EXPECT_EQ(content_disposition("inline",
                                "ma\xc3\xb1"
                                "ana \"1\".txt"),
            "inline; filename=\"ma__ana _1_.txt\"; filename*=UTF-8''ma%C3%B1ana%20%221%22.txt");
}

TEST(MediaTypes, ComeFromTheExtension) {
  EXPECT_EQ(media_type_of("d.x/clip.MP4"), "video/mp4");
  EXPECT_EQ(media_type_of("d.mp4/clip"), "application/octet-stream");
  EXPECT_EQ(media_type_of("x.unknown"), "application/octet-stream");
  EXPECT_TRUE(is_media_type("text/plain; charset=\"utf-8\""));
  EXPECT_FALSE(is_media_type("text"));
  EXPECT_FALSE(is_media_type("text/plain; x"));
  EXPECT_FALSE(is_media_type("text/pla in"));
  EXPECT_TRUE(is_shown_inline("Image/PNG; x=y"));
  EXPECT_FALSE(is_shown_inline("text/html"));
}

// A node's clock may show anything, and a file's date is what the clock of its writer showed.
TEST(HttpDates, HaveAYearOfFourDigitsWhateverTheClockShows) {
  for (std::int64_t const milliseconds :
       {std::int64_t{-62'000'000'000'000}, std::int64_t{300'000'000'000'000},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    std::string const text = http_date(WallTime{std::chrono::milliseconds{milliseconds}});
    EXPECT_EQ(text.size(), 29u) << text;
    auto const read = parse_http_date(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(http_date(*read), text);
    EXPECT_EQ(rfc3339(WallTime{std::chrono::milliseconds{milliseconds}}).size(), 24u);
  }
  EXPECT_EQ(http_date(WallTime{std::chrono::milliseconds{-62'000'000'000'000}}),
            "Tue, 19 Apr 0005 09:46:40 GMT");
}

TEST(HttpDates, ReadWhatTheyWrite) {
  WallTime const time{std::chrono::milliseconds{784111777000}};
  EXPECT_EQ(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  for (char const* bad : {"", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT",
                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                          "Sun, 0x Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

TEST(DigestFields, ReadWhatTheyWrite) {
  for (int i = 0; i < 100; ++i) {
    Digest const digest = sha256_of(std::to_string(i));
    auto const read = parse_digest_field("unixsum=:1:, " + repr_digest(digest));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, digest);
  }
  EXPECT_EQ(repr_digest(sha256_of("")), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

TEST(Ranges, NeverLeaveTheFile) {
  Random random{9};
  std::string_view const alphabet = "bytes=-0123456789, ";
  for (int round = 0; round < 50'000; ++round) {
    std::string text = "bytes=";
    std::uint64_t const length = random.below(24);
    for (std::uint64_t i = 0; i < length; ++i) text += alphabet[6 + random.below(13)];
    std::uint64_t const size = random.below(30);
    auto const answer = parse_range(text, ByteCount{size});
    if (auto const* const range = std::get_if<ByteRange>(&answer)) {
      EXPECT_GE(range->length.value(), 1u) << text;
      EXPECT_LE(range->first.value() + range->length.value(), size) << text;
    }
  }
}

TEST(Targets, AreDecodedOnce) {
  auto const target = parse_target("/files/a%2Fb?file=a%2526+b&empty&x=1&x=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/files/a%2Fb");
  EXPECT_EQ(target->parameter("file"), "a%26 b");
  EXPECT_EQ(target->parameter("empty"), "");
  EXPECT_EQ(target->parameter("x"), "1");
  EXPECT_EQ(target->parameter("y"), std::nullopt);
  EXPECT_FALSE(parse_target("/?a=%f"));
  EXPECT_EQ(parse_target("http://host:1")->path, "/");
  EXPECT_EQ(parse_target("http://host:1?a=b")->authority, "host:1");
}

TEST(Json, ReplacesWhatIsNotUtf8AndEscapesTheRest) {
  EXPECT_EQ(json_string("a\"\\\n\xff"), "\"a\\\"\\\\\\n\xef\xbf\xbd\"");
  EXPECT_EQ(rfc3339(WallTime{std::chrono::milliseconds{1'700'000'000'123}}),
            "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(rfc3339(WallTime{std::chrono::milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_json(Listing{}, {}), "{\"files\":[],\"next\":null}");
}

TEST(Json, RowsOfAListAreTheJsonOfTheirFiles) {
  FileInfo file;
  file.name = "a\"\xff";
  file.version = "v1";
  file.size = ByteCount{7};
  file.type = "text/plain";
  file.copies = 2;
  file.wanted = 3;
  std::string const row = R"({"name":"a\"\ufffd","size":7,"type":"text/plain","sha256":")" +
                          to_hex(Digest{}) +
                          R"(","version":"v1","modified":"1970-01-01T00:00:00.000Z",)"
                          R"("copies":2,"wanted":3})";
  auto const parsed = [](std::string const& text) { return nlohmann::json::parse(text); };
  EXPECT_EQ(parsed(to_json(file)), parsed(row));
  IncompleteFile const coming{"b", "video/mp2t", ByteCount{1}, {}};
  auto const list = parsed(to_json(Listing{.files = {file}, .next = "x\""}, {&coming, 1}));
  EXPECT_EQ(list["files"].size(), 2u);
  EXPECT_EQ(list["files"][0], parsed(row));
  EXPECT_EQ(list["files"][1]["incomplete"], true);
  EXPECT_EQ(list["next"], "x\"");
  auto const found = parsed(to_json(FoundFiles{{file, file}, 9, true}, "n", {&coming, 1}));
  EXPECT_EQ(found["files"][1], parsed(row));
  EXPECT_EQ(found["total"], 9);
  EXPECT_EQ(found["incomplete"][0]["name"], "b");
}

TEST(Scheme, OriginsAreToldAsTheClientCame) {
  EXPECT_EQ(as_asked("http://127.0.0.1:1", false), "http://127.0.0.1:1");
  EXPECT_EQ(as_asked("http://127.0.0.1:1", true), "https://127.0.0.1:1");
  std::string const event =
      R"({"type":"member","name":"\"http\":\"http://a","http":"http://[::1]:1"})";
  EXPECT_EQ(event_as_asked(event, false), event);
  EXPECT_EQ(event_as_asked(event, true),
            R"({"type":"member","name":"\"http\":\"http://a","http":"https://[::1]:1"})");
  EXPECT_EQ(as_told("https://127.0.0.1:1"), "http://127.0.0.1:1");
  EXPECT_EQ(as_told("https://films.example"), "http://films.example:443");
  EXPECT_EQ(as_told("http://[::1]"), "http://[::1]:80");
  EXPECT_EQ(as_told("null"), "null");
}

TEST(Json, TheStateOfTheClusterHasItsMembersAndFiles) {
  MemoryGateway gateway;
  FileInfo const file = gateway.add("a", "x", "text/plain");
  std::vector const files{file};
  EXPECT_EQ(state_json(gateway.cluster(), files),
            "{\"type\":\"state\",\"cluster\":" + to_json(gateway.cluster()) + ",\"files\":[" +
                to_json(file) + "]}");
  EXPECT_NE(to_json(gateway.cluster()).find("\"state\":\"alive\",\"self\":true"),
            std::string::npos);
}

}  // namespace
}  // namespace chisme::web
