#include "web/tus/request.hpp"

#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"

namespace chisme::web::tus {
namespace {

constexpr char upload_id[] = "0123456789abcdef0123456789abcdef";

Result<Create> create(std::string const& headers) {
  return parse_create(request_of("POST /uploads\n" + headers));
}
Result<Patch> patch(std::string const& headers) {
  return parse_patch(request_of("PATCH /uploads/x\n" + headers), upload_id);
}

TEST(TusCreate, TakesTheNameAndTypeFromTheMetadata) {
  // "a b.mp4", "video/mp4"
  auto const made = create(
      "Upload-Length: 12\nUpload-Metadata: filename YSBiLm1wNA==,filetype dmlkZW8vbXA0,flag");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->name, "a b.mp4");
  EXPECT_EQ(made->type, "video/mp4");
  EXPECT_EQ(made->length, ByteCount{12});
  EXPECT_EQ(made->concat, Concat::none);
  EXPECT_FALSE(made->has_body);
  EXPECT_EQ(create("Upload-Length: 0\nUpload-Metadata: name eA==")->name, "x");
}

TEST(TusCreate, RefusesWhatIsMalformed) {
  std::string const name = "Upload-Metadata: filename eA==\n";
  for (char const* const headers :
       {"", "Upload-Length: -1", "Upload-Length: 1e3", "Upload-Length: 9223372036854775808",
        "Upload-Length: 1\nUpload-Defer-Length: 1", "Upload-Defer-Length: 2",
        "Upload-Length: 1\nUpload-Concat: some", "Upload-Length: 1\nUpload-Checksum: sha1",
        "Upload-Length: 1\nUpload-Checksum: crc32 AAAAAA==",
        "Upload-Length: 1\nUpload-Checksum: sha1 AAAA", "Upload-Concat: final;",
        "Upload-Concat: final;/uploads/../x"}) {
    EXPECT_FALSE(create(name + headers)) << headers;
  }
  for (char const* const metadata :
       {"", "filename", "filename =", "filename e", " eA==", "filename AA==", "filename Li4="}) {
    EXPECT_FALSE(create("Upload-Length: 1\nUpload-Metadata: " + std::string{metadata})) << metadata;
  }
  EXPECT_FALSE(create("Upload-Length: 1\nUpload-Metadata: filename eA==,x " +
                      std::string(metadata_bytes_max, 'A')));
}

TEST(TusCreate, AConcatenationNamesItsParts) {
  std::string const name = "Upload-Metadata: filename eA==\n";
  auto const made = create(name + "Upload-Concat: final;/uploads/" + upload_id +
                           "  http://127.0.0.1:7702/uploads/" + upload_id);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->partials, (std::vector<std::string>{upload_id, upload_id}));
  EXPECT_FALSE(create(name + "Upload-Length: 3\nUpload-Concat: final;/uploads/" + upload_id));
  EXPECT_EQ(create("Upload-Length: 3\nUpload-Concat: partial")->concat, Concat::partial);
  std::string many = "final;";
  for (std::size_t i = 0; i <= concatenated_max; ++i)
    many += "/uploads/" + std::string{upload_id} + " ";
  Request request = request_of("POST /uploads\n" + name);
  request.headers.push_back({"Upload-Concat", many});
  EXPECT_FALSE(parse_create(request));
}

TEST(TusPatch, SaysWhereItsBytesBelong) {
  auto const made = patch("Upload-Offset: 70\nContent-Length: 5\nUpload-Checksum: md5 " +
                          std::string{"1B2M2Y8AsgTpgAmY7PhCfg=="});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->id, upload_id);
  EXPECT_EQ(made->offset, ByteOffset{70});
  EXPECT_EQ(made->body_size, ByteCount{5});
  EXPECT_EQ(made->checksum->algorithm, "md5");
  EXPECT_EQ(made->checksum->digest.size(), 16u);
  EXPECT_FALSE(patch("Transfer-Encoding: chunked\nUpload-Offset: 0")->body_size);
  EXPECT_EQ(patch("Upload-Offset: 0")->body_size, ByteCount{0});
  EXPECT_FALSE(patch(""));
  EXPECT_FALSE(patch("Upload-Offset: x"));
  EXPECT_FALSE(patch("Upload-Offset: 0\nUpload-Length: x"));
}

TEST(TusAsk, MayShowTheOffsetThatAnotherNodeTold) {
  auto const ask = [](std::string const& headers) {
    return parse_ask(request_of("HEAD /uploads/x\n" + headers), upload_id);
  };
  EXPECT_EQ(ask("Upload-Offset: 70").shown, ByteOffset{70});
  EXPECT_EQ(ask("Upload-Offset: 70").id, upload_id);
  EXPECT_FALSE(ask("").shown);
  EXPECT_FALSE(ask("Upload-Offset: -1").shown);
}

TEST(TusIds, AreThirtyTwoHexadecimalDigits) {
  EXPECT_TRUE(is_upload_id(upload_id));
  EXPECT_FALSE(is_upload_id(std::string{upload_id}.substr(1)));
  EXPECT_FALSE(is_upload_id("0123456789ABCDEF0123456789abcdef"));
  EXPECT_FALSE(is_upload_id("0123456789abcdef/123456789abcdef"));
}

}  // namespace
}  // namespace chisme::web::tus
