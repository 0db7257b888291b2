#include <algorithm>
#include <charconv>
#include <utility>

#include "web/base64.hpp"
#include "web/http/characters.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/replies.hpp"
#include "web/s3/signature.hpp"

// What a request says of its body.
namespace chisme::web::s3 {
namespace {

std::optional<ByteCount> decoded_length(Call const& call) {
  auto const number = parse_count(header_of(call, "x-amz-decoded-content-length"));
  return number ? std::optional{ByteCount{*number}} : std::nullopt;
}

PayloadOrReply chunked_payload(Call const& call, std::string_view kind) {
  constexpr std::string_view signed_kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  Payload payload;
  payload.chunks.emplace();
  payload.chunks->trailers = kind.ends_with("-TRAILER");
  bool const is_signed =
      kind == signed_kind || kind == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
  if (!is_signed && kind != "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    return tl::unexpected(
        invalid("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- "
                "value that S3 has, or 64 hexadecimal digits."));
  }
  if (is_signed) {
    bool const by_header = call.signature != nullptr && call.signature->claim;
    if (!by_header) return tl::unexpected(invalid("Chunks cannot be signed when the head is not."));
    auto const& claim = *call.signature->claim;
    payload.chunks->signing =
        ChunkSigning{call.signature->key, claim.time, claim.scope(), claim.signature};
  }
  payload.size = decoded_length(call);
  if (payload.size) return payload;
  return tl::unexpected(error(411, "MissingContentLength",
                              "You must provide the x-amz-decoded-content-length header."));
}

// What the header x-amz-content-sha256 says; without a signature there may be none.
PayloadOrReply payload_kind(Call const& call) {
  std::string_view const kind = header_of(call, "x-amz-content-sha256");
  if (kind.starts_with("STREAMING-")) return chunked_payload(call, kind);
  Payload payload;
  payload.size = call.request.content_length;
  if (!payload.size && !call.request.chunked) payload.size = ByteCount{0};
  if (kind.empty() || kind == unsigned_payload) return payload;
  payload.sha256 = kind.size() == 64 ? parse_digest(kind) : std::nullopt;
  if (payload.sha256) return payload;
  return tl::unexpected(
      invalid("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- "
              "value that S3 has, or 64 hexadecimal digits."));
}

std::optional<Reply> encoding_refusal(Call const& call) {
  for (std::string_view const encoding : list_elements(header_of(call, "content-encoding"))) {
    if (encoding == "identity") continue;
    if (encoding == "aws-chunked" &&
        header_of(call, "x-amz-content-sha256").starts_with("STREAMING-")) {
      continue;
    }
    return not_implemented("objects with a Content-Encoding");
  }
  return std::nullopt;
}

void take_checksum(Call const& call, Payload& payload) {
  for (std::string_view const algorithm : sum_algorithms) {
    std::string const name = "x-amz-checksum-" + std::string{algorithm};
    std::string_view const sum = header_of(call, name);
    bool const in_trailer = payload.chunks && payload.chunks->trailers &&
                            list_has(header_of(call, "x-amz-trailer"), name);
    if (sum.empty() && !in_trailer) continue;
    payload.sum_algorithm = algorithm;
    payload.sum = sum;
  }
}

}  // namespace

std::string_view header_of(Call const& call, std::string_view name) {
  return trimmed(call.request.header(name).value_or(std::string_view{}));
}

Reply invalid(std::string const& sentence) {
  return error(400, "InvalidArgument", sentence);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const is_number = error == std::errc{} && end == text.data() + text.size();
  return is_number ? std::optional{number} : std::nullopt;
}

PayloadOrReply payload_of(Call const& call) {
  if (auto refusal = encoding_refusal(call)) return tl::unexpected(std::move(*refusal));
  auto payload = payload_kind(call);
  if (!payload) return payload;
  if (std::string_view const md5 = header_of(call, "content-md5"); !md5.empty()) {
    payload->md5 = base64_decoded(md5);
    if (!payload->md5 || payload->md5->size() != 16) {
      return tl::unexpected(
          error(400, "InvalidDigest", "The Content-MD5 you specified is not valid."));
    }
  }
  take_checksum(call, *payload);
  if (payload->size && *payload->size > call.settings.max_file_size) {
    return tl::unexpected(
        error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
  }
  return payload;
}

}  // namespace chisme::web::s3
