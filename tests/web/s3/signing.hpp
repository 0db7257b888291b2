#pragma once

#include <map>
#include <string>

#include "tests/web/service/requests.hpp"
#include "web/s3/signature.hpp"

namespace chisme::web::s3 {

// The pair and the moment of the examples in AWS's S3 API reference, "Authenticating Requests:
// Using the Authorization Header" and the pages that follow it.
inline constexpr char example_key[] = "AKIAIOSFODNN7EXAMPLE";
inline constexpr char example_secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
inline constexpr WallTime example_time{std::chrono::seconds{1'369'353'600}};  // 2013-05-24

// What a node knows that knows a few pairs, and no tokens.
class KnownPairs final : public Credentials {
 public:
  std::map<std::string, SigningPair> pairs{
      {example_key, {Bearer{Standing::valid, Role::write, {1, {}}}, example_secret}}};

  std::optional<SigningPair> check_access_key(std::string_view id) override {
    auto const found = pairs.find(std::string{id});
    return found == pairs.end() ? std::nullopt : std::optional{found->second};
  }
  Bearer check_token(std::string_view) override { return {}; }
  bool is_still_valid(CredentialId const&) override { return true; }
  SharedLink check_link(std::string_view, std::string_view) override { return {}; }
  std::string make_ticket(std::string_view, CredentialId const&) override { return {}; }
  MadeLink make_link(LinkWish const&) override { return {}; }
  LinkHome home_of(CredentialId const&) override { return {}; }
  Standing use(SharedLink const&, LinkUse) override { return {}; }
  void revoke(CredentialKind, CredentialId, std::function<void(Result<void>)>) override {}
};

// The request's text with a signature of its headers, as a client makes it, but for the code that
// is common to both.
inline std::string signed_request(std::string const& text, std::string const& key,
                                  std::string const& secret,
                                  std::string const& payload = "UNSIGNED-PAYLOAD") {
  std::string const with_date = text +
                                "\nHost: localhost:7701\nx-amz-date: 20130524T000000Z"
                                "\nx-amz-content-sha256: " +
                                payload;
  Claim claim{.access_key = key,
              .date = "20130524",
              .region = "us-east-1",
              .time = "20130524T000000Z",
              .signed_headers = {"host"},
              .signature = {},
              .payload = payload,
              .expires = {}};
  Request const request = request_of(with_date);
  for (Header const& header : request.headers) {
    if (header.name.starts_with("x-amz-")) claim.signed_headers.push_back(header.name);
  }
  std::ranges::sort(claim.signed_headers);
  std::string names;
  for (std::string const& name : claim.signed_headers) names += (names.empty() ? "" : ";") + name;
  std::string const signature =
      signature_of(signing_key(secret, claim), claim,
                   canonical_request(claim, request, *parse_target(request.target)));
  return with_date + "\nAuthorization: AWS4-HMAC-SHA256 Credential=" + key + "/" + claim.scope() +
         ", SignedHeaders=" + names + ", Signature=" + signature;
}

}  // namespace chisme::web::s3
