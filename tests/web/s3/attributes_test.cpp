#include "web/s3/attributes.hpp"

#include <gtest/gtest.h>

#include "cluster/base/expiry.hpp"
#include "web/media_types.hpp"

namespace chisme::web::s3 {
namespace {

std::string const md5 = "5d41402abc4b2a76b9719d911017c592";
std::string const kept_md5 = "XUFAKrxLKna5cZ2REBfFkg";  // the same in base64

TEST(Attributes, ComeBackAsTheyWereKept) {
  Attributes const some{md5 + "-3", {{"mtime", "1700000000.5"}, {"of", "a \"b\" \\ 100% =c"}}};
  for (char const* const type : {"video/mp4", "text/plain; charset=utf-8", "a/b;x=\"y\""}) {
    auto const kept = kept_type(type, some);
    ASSERT_TRUE(kept);
    EXPECT_TRUE(is_media_type(*kept)) << *kept;  // so old programs can send it
    auto const parts = split_type(*kept);
    EXPECT_EQ(parts.type, type);
    EXPECT_EQ(parse_attributes(parts.attributes), some);
  }
}

TEST(Attributes, OfATypeWithoutThemAreNone) {
  for (char const* const type : {"", "video/mp4", "a/b;x=\"y\"", "a/b;s3=\"", "a/b;s3=x"}) {
    EXPECT_EQ(split_type(type).type, type);
    EXPECT_EQ(split_type(type).attributes, "");
  }
  EXPECT_EQ(kept_type("video/mp4", {}), "video/mp4");
}

// What rclone says of a film, and of an office document in one piece.
TEST(Attributes, HaveRoomForWhatClientsWrite) {
  Attributes film{md5 + "-10000",
                  {{"mtime", "1700000000.123456789"}, {"md5chksum", std::string(24, 'x')}}};
  EXPECT_TRUE(kept_type("application/octet-stream", film));
  Attributes const document{md5, {{"mtime", "1700000000.123456789"}}};
  EXPECT_TRUE(kept_type("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                        document));
  EXPECT_FALSE(kept_type("a/b", {"other", {}}));
}

TEST(Attributes, HaveNoMoreRoomThanARecord) {
  Attributes some{md5, {{"a", ""}}};
  std::size_t const room = type_bytes_max - kept_type("video/mp4", some)->size();
  some.metadata[0].second = std::string(room, 'x');
  EXPECT_TRUE(kept_type("video/mp4", some));
  some.metadata[0].second += 'x';
  EXPECT_FALSE(kept_type("video/mp4", some));
}

TEST(Attributes, ThatBreakAHeaderAreNone) {
  for (std::string const& text : {kept_md5 + " a=%0d%0aSet-Cookie:b", kept_md5 + " a%3ab=c",
                                  kept_md5 + " =c", kept_md5 + " a", std::string{"<script>"},
                                  kept_md5 + " a=%4", kept_md5 + " %40=c", kept_md5 + "-x", md5}) {
    EXPECT_EQ(parse_attributes(text), Attributes{}) << text;
  }
}

TEST(Attributes, AFileThatCameOtherwiseHasNoMd5ForATag) {
  FileInfo file{};
  EXPECT_EQ(etag_of(file), std::string(32, '0') + "-1");
  file.attributes = kept_md5;
  EXPECT_EQ(etag_of(file), md5);
}

}  // namespace
}  // namespace chisme::web::s3
