#include <gtest/gtest.h>

#include "tests/web/s3/signing.hpp"
#include "web/s3/chunks.hpp"

namespace chisme::web::s3 {
namespace {

// The example of the S3 API reference, "Transferring Payload in Multiple Chunks": 66560 bytes `a`
// in chunks of 64 KiB. The seed is the signature of its head.
ChunkSigning example_signing() {
  Claim claim;
  claim.date = "20130524";
  claim.region = "us-east-1";
  return {signing_key(example_secret, claim), "20130524T000000Z", claim.scope(),
          "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
}
std::string example_body() {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
         "\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature="
         "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature="
         "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

// The data, when the body ended well: "!" when it failed, "?" when it did not end.
std::string read(ChunkReader& reader, std::string_view body, std::size_t piece) {
  std::string data;
  while (!body.empty()) {
    auto const given = std::as_bytes(std::span{body.substr(0, piece)});
    auto const progress = reader.feed(given);
    data.append(reinterpret_cast<char const*>(progress.data.data()), progress.data.size());
    if (reader.failed()) return "!";
    body.remove_prefix(progress.consumed);
  }
  return reader.ended() ? data : "?";
}
std::string read_unsigned(std::string_view body, std::size_t piece = 7) {
  ChunkReader reader(std::nullopt, true);
  return read(reader, body, piece);
}

TEST(Chunks, TheReferencesExampleIsRight) {
  for (std::size_t const piece : {1u, 3u, 1000u, 100'000u}) {
    ChunkReader reader(example_signing(), false);
    EXPECT_EQ(read(reader, example_body(), piece), std::string(66560, 'a')) << piece;
    EXPECT_EQ(reader.data_bytes(), 66560u);
  }
}

TEST(Chunks, OneByteChangedIsForged) {
  for (std::size_t const at : {100u, 65'000u, 65'800u, 66'500u}) {
    std::string body = example_body();
    body[at] = 'b';
    ChunkReader reader(example_signing(), false);
    EXPECT_EQ(read(reader, body, 1000), "!") << at;
    EXPECT_TRUE(reader.is_forged());
  }
  std::string shuffled = example_body();
  std::size_t const second = shuffled.find("\r\n400;") + 2;
  shuffled = shuffled.substr(second);
  ChunkReader reader(example_signing(), false);
  EXPECT_EQ(read(reader, shuffled, 1000), "!");
}

TEST(Chunks, ASignedBodyCannotLackItsSignatures) {
  ChunkReader reader(example_signing(), false);
  EXPECT_EQ(read(reader, "1\r\na\r\n0\r\n\r\n", 100), "!");
}

TEST(Chunks, UnsignedOnesWithTrailers) {
  std::string const body =
      "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
  for (std::size_t piece = 1; piece < body.size(); ++piece) {
    ChunkReader reader(std::nullopt, true);
    EXPECT_EQ(read(reader, body, piece), "hello world");
    ASSERT_EQ(reader.trailers().size(), 1u);
    EXPECT_EQ(reader.trailers()[0].second, "DUoRhQ==");
  }
  EXPECT_EQ(read_unsigned("0\r\n\r\n"), "");
}

TEST(Chunks, ABodyThatIsCutShortDoesNotEnd) {
  std::string const body = "5\r\nhello\r\n0\r\nx:y\r\n\r\n";
  for (std::size_t length = 1; length < body.size(); ++length) {
    EXPECT_EQ(read_unsigned(body.substr(0, length)), "?") << length;
  }
}

TEST(Chunks, WhatIsNoChunkFails) {
  for (char const* const body :
       {"\r\n", "x\r\n", "-1\r\n", "1 \r\n", "1\r\nab\r\n", "1\r\na0\r\n", "10000000000000000\r\n",
        "ffffffffffffffff\r\n", "0\r\nabc\r\n", "0\r\n\r\nmore"}) {
    EXPECT_EQ(read_unsigned(body), "!") << body;
  }
  EXPECT_EQ(read_unsigned(std::string(2000, '1')), "!");
  std::string many = "0\r\n";
  for (int i = 0; i < 11; ++i) many += "a:b\r\n";
  EXPECT_EQ(read_unsigned(many), "!");
  ChunkReader without_trailers(std::nullopt, false);
  EXPECT_EQ(read(without_trailers, "0\r\na:b\r\n\r\n", 100), "!");
}

TEST(Chunks, TrailersAreSignedToo) {
  auto const signing = example_signing();
  auto const next = [&](std::string const& kind, std::string const& before,
                        std::string const& hash) {
    return hex(hmac(bytes_of(signing.key), kind + "\n" + signing.time + "\n" + signing.scope +
                                               "\n" + before + "\n" + hash));
  };
  std::string const last =
      next("AWS4-HMAC-SHA256-PAYLOAD", signing.signature, hex(sha256("")) + "\n" + hex(sha256("")));
  std::string const trailer =
      next("AWS4-HMAC-SHA256-TRAILER", last, hex(sha256("x-amz-checksum-crc32:AAAAAA==\n")));
  std::string const body =
      "0;chunk-signature=" + last +
      "\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:" + trailer + "\r\n\r\n";
  ChunkReader right(signing, true);
  EXPECT_EQ(read(right, body, 11), "");
  std::string other = body;
  other.replace(other.find("AAAAAA"), 6, "AAAAAB");
  ChunkReader wrong(signing, true);
  EXPECT_EQ(read(wrong, other, 11), "!");
  EXPECT_TRUE(wrong.is_forged());
}

}  // namespace
}  // namespace chisme::web::s3
