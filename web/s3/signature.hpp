#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "cluster/base/time.hpp"
#include "web/gateway.hpp"
#include "web/http/request.hpp"
#include "web/plan.hpp"
#include "web/s3/hash.hpp"
#include "web/target.hpp"

// Signature Version 4 (AWS, "Authenticating Requests: AWS Signature Version 4" of the S3 API
// reference): who signed a request with the secret of an access key, in the header or in the
// address. Pure: the gateway says what time it is.
namespace chisme::web::s3 {

// A signature's date may be that far from this node's clock.
inline constexpr std::chrono::minutes clock_window{15};
// An address lives that long at most: seven days.
inline constexpr std::uint64_t presigned_seconds_max = 604'800;
inline constexpr std::size_t signed_headers_max = 100;

// The pair that needs no token, for clients that cannot but sign: it opens what everybody may do.
inline constexpr std::string_view open_access_key = "chisme";
inline constexpr std::string_view open_secret_key = "chisme";

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

// What a request says of its signature.
struct Claim {
  std::string access_key;
  std::string date;  // of the scope: "20130524"
  std::string region;
  std::string time;                         // "20130524T000000Z"
  std::vector<std::string> signed_headers;  // lower case, as listed
  std::string signature;                    // 64 hexadecimal digits
  std::string payload;                      // x-amz-content-sha256
  std::optional<std::uint64_t> expires;     // of an address: seconds after `time`

  [[nodiscard]] std::string scope() const;  // "20130524/us-east-1/s3/aws4_request"
};
// nullopt: there is no signature. An error is the answer to one that cannot be one.
[[nodiscard]] tl::expected<std::optional<Claim>, Reply> parse_claim(Request const& request,
                                                                    Target const& target);
// What is hashed and signed.
[[nodiscard]] std::string canonical_request(Claim const& claim, Request const& request,
                                            Target const& target);
[[nodiscard]] Sha256 signing_key(std::string_view secret, Claim const& claim);
[[nodiscard]] std::string signature_of(Sha256 const& key, Claim const& claim,
                                       std::string_view canonical);

// "20130524T000000Z"
[[nodiscard]] std::optional<WallTime> parse_signed_time(std::string_view text);

// A request that was let by: who signed it, and what its chunks are signed with.
struct Signed {
  std::optional<Bearer> bearer;  // nullopt: nobody in particular
  std::optional<Claim> claim;    // nullopt: it is not signed
  Sha256 key{};
};
// The refusal is S3's, in XML. A signature that is given is judged whoever may ask without one.
[[nodiscard]] tl::expected<Signed, Reply> authenticate(Gateway& gateway, AccessMode mode,
                                                       Request const& request,
                                                       Target const& target);

}  // namespace chisme::web::s3
