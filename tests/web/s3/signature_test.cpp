#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/web/s3/signing.hpp"

namespace chisme::web::s3 {
namespace {

using testing::HasSubstr;

constexpr char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// The examples of the S3 API reference: each signature was computed once more from the
// specification's formula, by a program of a few lines that shares nothing with this one.
std::string const scope_text = std::string{example_key} + "/20130524/us-east-1/s3/aws4_request";

std::string example(std::string const& line, std::string const& headers, std::string const& names,
                    std::string const& signature, std::string const& payload = empty_hash) {
  return line + "\nHost: examplebucket.s3.amazonaws.com" + headers +
         "\nx-amz-content-sha256: " + payload +
         "\nx-amz-date: 20130524T000000Z\nAuthorization: AWS4-HMAC-SHA256 Credential=" +
         scope_text + ",SignedHeaders=" + names + ",Signature=" + signature;
}

std::string const get_object_example =
    example("GET /test.txt", "\nRange: bytes=0-9", "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
std::string const presigned_example =
    "GET "
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
    "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
    "&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    "\nHost: examplebucket.s3.amazonaws.com";

class Signature : public testing::Test {
 protected:
  Signature() {
    gateway.judge = &pairs;
    gateway.clock = example_time;
  }
  tl::expected<Signed, Reply> judged(std::string const& text, AccessMode mode = AccessMode::token) {
    Request const request = request_of(text);
    return authenticate(gateway, mode, request, *parse_target(request.target));
  }
  // The error's code; empty: it was let by.
  std::string code_of(std::string const& text, AccessMode mode = AccessMode::token) {
    auto const answer = judged(text, mode);
    if (answer) return "";
    std::string const& body = answer.error().body;
    std::size_t const begin = body.find("<Code>") + 6;
    return body.substr(begin, body.find("</Code>") - begin);
  }
  MemoryGateway gateway;
  KnownPairs pairs;
};

TEST_F(Signature, TheReferencesExamplesAreRight) {
  EXPECT_EQ(code_of(get_object_example), "");
  EXPECT_EQ(code_of(example(
                "PUT /test$file.text",
                "\nDate: Fri, 24 May 2013 00:00:00 GMT\nx-amz-storage-class: REDUCED_REDUNDANCY",
                "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")),
            "");
  EXPECT_EQ(code_of(example("GET /?lifecycle", "", "host;x-amz-content-sha256;x-amz-date",
                            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
            "");
  EXPECT_EQ(code_of(example("GET /?prefix=J&max-keys=2", "", "host;x-amz-content-sha256;x-amz-date",
                            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
            "");
  EXPECT_EQ(code_of(presigned_example), "");
}

TEST_F(Signature, TellsWhoSigned) {
  auto const known = judged(get_object_example);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->bearer->role, Role::write);
  auto const nobody = judged("GET /s3/a");
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(nobody->claim || nobody->bearer);
}

TEST_F(Signature, OfAnythingElseItIsWrong) {
  auto const with = [](std::string text, std::string const& old, std::string const& other) {
    return text.replace(text.find(old), old.size(), other);
  };
  constexpr char wrong[] = "SignatureDoesNotMatch";
  EXPECT_EQ(code_of(with(get_object_example, "/test.txt", "/test.tx")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "/test.txt", "/test.txt?a")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "GET", "DELETE")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "0-9", "0-8")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "T000000Z", "T000001Z")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "e3b0", "e3b1")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "us-east-1", "us-east-2")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "host;range", "host")), wrong);
  EXPECT_EQ(code_of(with(get_object_example, "examplebucket.", "otherbucket.")), wrong);
  EXPECT_EQ(code_of(with(presigned_example, "86400", "86401")), wrong);
  EXPECT_EQ(code_of(with(presigned_example, "/test.txt", "/other.txt")), wrong);
  pairs.pairs[example_key].secret += "x";
  EXPECT_EQ(code_of(get_object_example), wrong);
}

TEST_F(Signature, EveryDigitCounts) {
  for (std::size_t i = 0; i < 64; ++i) {
    std::string text = get_object_example;
    char& digit = text[text.size() - 64 + i];
    digit = digit == '0' ? '1' : '0';
    EXPECT_EQ(code_of(text), "SignatureDoesNotMatch") << i;
  }
}

TEST_F(Signature, HoldsForAQuarterOfAnHour) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  for (auto const off : {-minutes{15}, minutes{15}}) {
    gateway.clock = example_time + off;
    EXPECT_EQ(code_of(get_object_example), "");
    gateway.clock += off > minutes{0} ? seconds{1} : seconds{-1};
    EXPECT_EQ(code_of(get_object_example), "RequestTimeTooSkewed");
  }
}

TEST_F(Signature, OfAnAddressHoldsUntilItsEnd) {
  gateway.clock = example_time + std::chrono::seconds{86'400};
  EXPECT_EQ(code_of(presigned_example), "");
  gateway.clock += std::chrono::seconds{1};
  EXPECT_EQ(code_of(presigned_example), "AccessDenied");
  gateway.clock = example_time - std::chrono::minutes{16};
  EXPECT_EQ(code_of(presigned_example), "AccessDenied");
}

TEST_F(Signature, CoversTheHostAndAllOfAmazonsHeaders) {
  EXPECT_EQ(code_of(get_object_example + "\nx-amz-acl: private"), "AccessDenied");
  EXPECT_EQ(code_of(presigned_example + "\nX-Amz-Meta-A: b"), "AccessDenied");
  std::string text = get_object_example;
  text.replace(text.find("host;"), 5, "");
  EXPECT_EQ(code_of(text), "AccessDenied");
}

TEST_F(Signature, OfAKeyThatIsUnknownOrOverIsRefused) {
  for (Standing const standing : {Standing::expired, Standing::revoked}) {
    pairs.pairs[example_key].bearer->standing = standing;
    for (AccessMode const mode : {AccessMode::open, AccessMode::read, AccessMode::token}) {
      EXPECT_EQ(code_of(get_object_example, mode), "InvalidAccessKeyId");
    }
  }
  pairs.pairs.clear();
  EXPECT_EQ(code_of(get_object_example, AccessMode::open), "InvalidAccessKeyId");
  gateway.judge = nullptr;
  EXPECT_EQ(code_of(get_object_example, AccessMode::open), "InvalidAccessKeyId");
}

TEST_F(Signature, OfTheOpenPairIsJudgedToo) {
  std::string const right = signed_request("GET /s3/", "chisme", "chisme");
  std::string const wrong = signed_request("GET /s3/", "chisme", "chisme!");
  for (AccessMode const mode : {AccessMode::open, AccessMode::read}) {
    EXPECT_EQ(code_of(right, mode), "");
    EXPECT_FALSE(judged(right, mode)->bearer);
    EXPECT_EQ(code_of(wrong, mode), "SignatureDoesNotMatch");
  }
  EXPECT_EQ(code_of(right, AccessMode::token), "InvalidAccessKeyId");
}

TEST_F(Signature, ThatIsNoneIsSaidToBeNone) {
  auto const header = [](std::string const& value) {
    return "GET /s3/\nx-amz-date: 20130524T000000Z\nx-amz-content-sha256: UNSIGNED-PAYLOAD"
           "\nAuthorization: " +
           value;
  };
  std::string const hash(64, '0');
  constexpr char malformed[] = "AuthorizationHeaderMalformed";
  EXPECT_EQ(code_of(header("AWS4-HMAC-SHA256")), malformed);
  EXPECT_EQ(code_of(header("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=" + hash)),
            malformed);
  std::string const credential = "AWS4-HMAC-SHA256 Credential=" + scope_text;
  EXPECT_EQ(code_of(header(credential + ", SignedHeaders=, Signature=" + hash)), malformed);
  EXPECT_EQ(code_of(header(credential + ", SignedHeaders=host, Signature=" + hash + "0")),
            malformed);
  EXPECT_EQ(code_of(header("AWS AKIA:abc")), "InvalidRequest");
  EXPECT_EQ(code_of("GET /s3/?X-Amz-Algorithm=AWS4"), "AuthorizationQueryParametersError");
  EXPECT_EQ(code_of(presigned_example + "\nAuthorization: Bearer a"), "InvalidArgument");
}

TEST_F(Signature, AStrangeTimeIsNone) {
  EXPECT_EQ(parse_signed_time("20130524T000000Z"), example_time);
  for (char const* const text : {"", "20130524T000000", "20130524t000000Z", "20131324T000000Z",
                                 "20130230T000000Z", "20130524T240000Z", "2013-05-24T00:00Z"}) {
    EXPECT_FALSE(parse_signed_time(text)) << text;
  }
}

}  // namespace
}  // namespace chisme::web::s3
