#include "web/s3/signature.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "web/http/characters.hpp"
#include "web/names.hpp"
#include "web/s3/replies.hpp"

namespace chisme::web::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

bool is_hex_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool are_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// All but RFC 3986's unreserved characters, the slash too.
std::string encoded_value(std::string_view text) {
  std::string const with_slashes = percent_encoded(text);
  std::string all;
  for (char const c : with_slashes) c == '/' ? all += "%2F" : all += c;
  return all;
}

// KEY/DATE/REGION/s3/aws4_request; a key may have slashes.
bool take_credential(std::string_view text, Claim& claim) {
  std::string_view parts[4];
  for (std::string_view& part : parts) {
    std::size_t const slash = text.rfind('/');
    if (slash == std::string_view::npos) return false;
    part = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  bool const is_scope = parts[0] == "aws4_request" && parts[1] == "s3" && parts[3].size() == 8;
  if (!is_scope || !are_digits(parts[3]) || text.empty()) return false;
  claim.access_key = text;
  claim.region = parts[2];
  claim.date = parts[3];
  return true;
}

bool take_signed_headers(std::string_view text, Claim& claim) {
  while (!text.empty()) {
    std::string_view const name = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    if (name.empty() || claim.signed_headers.size() == signed_headers_max) return false;
    claim.signed_headers.emplace_back(name);
    std::ranges::transform(claim.signed_headers.back(), claim.signed_headers.back().begin(),
                           to_lower);
  }
  return !claim.signed_headers.empty();
}

Reply malformed_header(std::string const& why) {
  return error(400, "AuthorizationHeaderMalformed",
               "The Authorization header is no signature of version 4: " + why + ".");
}
Reply malformed_query(std::string const& why) {
  return error(400, "AuthorizationQueryParametersError",
               "The address is not signed as version 4 has it: " + why + ".");
}

// The parts of "Credential=…, SignedHeaders=…, Signature=…".
std::optional<std::string_view> part_of(std::string_view field, std::string_view name) {
  for (std::string_view const element : list_elements(field)) {
    if (element.size() > name.size() && element.starts_with(name) && element[name.size()] == '=') {
      return element.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

tl::expected<std::optional<Claim>, Reply> claim_of_header(Request const& request,
                                                          std::string_view field) {
  auto const credential = part_of(field, "Credential");
  auto const headers = part_of(field, "SignedHeaders");
  auto const signature = part_of(field, "Signature");
  if (!credential || !headers || !signature) {
    return tl::unexpected(malformed_header("Credential, SignedHeaders or Signature is missing"));
  }
  Claim claim;
  if (!take_credential(*credential, claim)) {
    return tl::unexpected(malformed_header("Credential must be KEY/DATE/REGION/s3/aws4_request"));
  }
  if (!take_signed_headers(*headers, claim)) {
    return tl::unexpected(malformed_header("SignedHeaders is empty, or has too many"));
  }
  claim.signature = *signature;
  claim.time = request.header("x-amz-date").value_or("");
  auto const payload = request.header("x-amz-content-sha256");
  if (!payload) {
    return tl::unexpected(error(400, "InvalidRequest",
                                "Missing required header for this request: x-amz-content-sha256"));
  }
  claim.payload = trimmed(*payload);
  if (!is_hex_hash(claim.signature)) {
    return tl::unexpected(malformed_header("Signature must be 64 hexadecimal digits"));
  }
  return claim;
}

tl::expected<std::optional<Claim>, Reply> claim_of_query(Target const& target) {
  auto const value = [&](std::string_view name) {
    return target.parameter(name).value_or(std::string_view{});
  };
  Claim claim;
  if (value("X-Amz-Algorithm") != algorithm) {
    return tl::unexpected(malformed_query("X-Amz-Algorithm must be AWS4-HMAC-SHA256"));
  }
  if (!take_credential(value("X-Amz-Credential"), claim)) {
    return tl::unexpected(
        malformed_query("X-Amz-Credential must be KEY/DATE/REGION/s3/aws4_request"));
  }
  if (!take_signed_headers(value("X-Amz-SignedHeaders"), claim)) {
    return tl::unexpected(malformed_query("X-Amz-SignedHeaders is empty, or has too many"));
  }
  claim.signature = value("X-Amz-Signature");
  claim.time = value("X-Amz-Date");
  claim.payload = unsigned_payload;
  claim.expires = whole_number(value("X-Amz-Expires"));
  if (!claim.expires || *claim.expires == 0 || *claim.expires > presigned_seconds_max) {
    return tl::unexpected(malformed_query("X-Amz-Expires must be 1 to 604800 seconds"));
  }
  if (!is_hex_hash(claim.signature)) {
    return tl::unexpected(malformed_query("X-Amz-Signature must be 64 hexadecimal digits"));
  }
  return claim;
}

// Sequences of spaces become one.
std::string one_spaced(std::string_view value) {
  std::string text;
  for (char const c : trimmed(value)) {
    if (c == ' ' && text.ends_with(' ')) continue;
    text += c;
  }
  return text;
}

std::string canonical_query(Target const& target) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto const& [name, value] : target.query) {
    if (name == "X-Amz-Signature") continue;
    pairs.emplace_back(encoded_value(name), encoded_value(value));
  }
  std::ranges::sort(pairs);
  std::string text;
  for (auto const& [name, value] : pairs) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

std::string canonical_headers(Claim const& claim, Request const& request) {
  std::string text;
  for (std::string const& name : claim.signed_headers) {
    std::string values;
    bool first = true;
    for (Header const& header : request.headers) {
      if (!equal_without_case(header.name, name)) continue;
      if (!std::exchange(first, false)) values += ',';
      values += one_spaced(header.value);
    }
    text += name + ":" + values + "\n";
  }
  return text;
}

// The name of a header that must be signed and is not.
std::optional<std::string> unsigned_header(Claim const& claim, Request const& request) {
  auto const is_signed = [&](std::string const& name) {
    return std::ranges::find(claim.signed_headers, name) != claim.signed_headers.end();
  };
  if (!is_signed("host")) return "host";
  for (Header const& header : request.headers) {
    std::string name = header.name;
    std::ranges::transform(name, name.begin(), to_lower);
    if (name.starts_with("x-amz-") && !is_signed(name)) return name;
  }
  return std::nullopt;
}

std::optional<Reply> time_refusal(Claim const& claim, WallTime now) {
  auto const time = parse_signed_time(claim.time);
  if (!time || !claim.time.starts_with(claim.date)) {
    return claim.expires ? malformed_query("X-Amz-Date must be that day's YYYYMMDDTHHMMSSZ")
                         : malformed_header("x-amz-date must be that day's YYYYMMDDTHHMMSSZ");
  }
  if (claim.expires) {
    if (now > *time + std::chrono::seconds{*claim.expires}) {
      return error(403, "AccessDenied", "Request has expired");
    }
    if (*time > now + clock_window) {
      return error(403, "AccessDenied", "Request is not valid yet: a clock is wrong");
    }
  } else if (*time > now + clock_window || now > *time + clock_window) {
    return error(403, "RequestTimeTooSkewed",
                 "The difference between the request time and this node's time is more than 15 "
                 "minutes. Set the clock that is wrong.");
  }
  return std::nullopt;
}

Reply unknown_key(std::string const& sentence) {
  return error(403, "InvalidAccessKeyId", sentence);
}

// What the key is; nullopt: nobody's.
tl::expected<SigningPair, Reply> pair_of(Gateway& gateway, AccessMode mode, Claim const& claim) {
  if (claim.access_key == open_access_key && mode != AccessMode::token) {
    return SigningPair{.bearer = {}, .secret = std::string{open_secret_key}};
  }
  Credentials* const credentials = gateway.credentials();
  auto pair =
      credentials == nullptr ? std::nullopt : credentials->check_access_key(claim.access_key);
  if (pair) return std::move(*pair);
  return tl::unexpected(
      unknown_key("The access key is none of this cluster. chisme token s3 makes one of a token" +
                  std::string{mode == AccessMode::token ? "."
                                                        : "; here the pair chisme and chisme "
                                                          "does what everybody may do."}));
}

}  // namespace

std::string Claim::scope() const {
  return date + "/" + region + "/s3/aws4_request";
}

tl::expected<std::optional<Claim>, Reply> parse_claim(Request const& request,
                                                      Target const& target) {
  std::string_view const field = trimmed(request.header("authorization").value_or(""));
  bool const in_query = target.parameter("X-Amz-Algorithm").has_value();
  bool const in_header = field.starts_with(algorithm);
  if (in_query && !field.empty()) {
    return tl::unexpected(error(400, "InvalidArgument",
                                "Only one way to authenticate is allowed: the Authorization header "
                                "or X-Amz-Algorithm in the address."));
  }
  if (in_query) return claim_of_query(target);
  if (in_header) return claim_of_header(request, field.substr(algorithm.size()));
  if (field.starts_with("AWS") || target.parameter("AWSAccessKeyId")) {
    return tl::unexpected(error(400, "InvalidRequest",
                                "The authorization mechanism you have provided is not supported. "
                                "Please use AWS4-HMAC-SHA256."));
  }
  return std::optional<Claim>{};
}

std::string canonical_request(Claim const& claim, Request const& request, Target const& target) {
  std::string text = request.method_text + "\n";
  text += percent_encoded(percent_decoded(target.path).value_or(target.path)) + "\n";
  text += canonical_query(target) + "\n";
  text += canonical_headers(claim, request) + "\n";
  std::string names;
  for (std::string const& name : claim.signed_headers) names += (names.empty() ? "" : ";") + name;
  return text + names + "\n" + claim.payload;
}

Sha256 signing_key(std::string_view secret, Claim const& claim) {
  Sha256 const of_date = hmac("AWS4" + std::string{secret}, claim.date);
  Sha256 const of_region = hmac(bytes_of(of_date), claim.region);
  return hmac(bytes_of(hmac(bytes_of(of_region), "s3")), "aws4_request");
}

std::string signature_of(Sha256 const& key, Claim const& claim, std::string_view canonical) {
  std::string const to_sign = std::string{algorithm} + "\n" + claim.time + "\n" + claim.scope() +
                              "\n" + hex(sha256(canonical));
  return hex(hmac(bytes_of(key), to_sign));
}

std::optional<WallTime> parse_signed_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  std::string const digits = std::string{text.substr(0, 8)} + std::string{text.substr(9, 6)};
  if (!are_digits(digits)) return std::nullopt;
  auto const number = [&](std::size_t at, std::size_t count) {
    return static_cast<int>(whole_number(std::string_view{digits}.substr(at, count)).value_or(0));
  };
  std::chrono::year_month_day const date{std::chrono::year{number(0, 4)},
                                         std::chrono::month{static_cast<unsigned>(number(4, 2))},
                                         std::chrono::day{static_cast<unsigned>(number(6, 2))}};
  if (!date.ok() || number(8, 2) > 23 || number(10, 2) > 59 || number(12, 2) > 60) {
    return std::nullopt;
  }
  auto const since = std::chrono::sys_days{date}.time_since_epoch() +
                     std::chrono::hours{number(8, 2)} + std::chrono::minutes{number(10, 2)} +
                     std::chrono::seconds{number(12, 2)};
  return WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(since)};
}

tl::expected<Signed, Reply> authenticate(Gateway& gateway, AccessMode mode, Request const& request,
                                         Target const& target) {
  auto claim = parse_claim(request, target);
  if (!claim) return tl::unexpected(std::move(claim.error()));
  if (!*claim) return Signed{};
  if (auto refusal = time_refusal(**claim, gateway.now())) {
    return tl::unexpected(std::move(*refusal));
  }
  if (auto const name = unsigned_header(**claim, request)) {
    return tl::unexpected(
        error(403, "AccessDenied",
              "There were headers present in the request which were not signed: " + *name));
  }
  auto pair = pair_of(gateway, mode, **claim);
  if (!pair) return tl::unexpected(std::move(pair.error()));
  Sha256 const key = signing_key(pair->secret, **claim);
  std::string const right = signature_of(key, **claim, canonical_request(**claim, request, target));
  if (!equal_in_secret(right, (*claim)->signature)) {
    return tl::unexpected(error(403, "SignatureDoesNotMatch",
                                "The request signature we calculated does not match the signature "
                                "you provided. Check your key and signing method."));
  }
  if (!pair->bearer) return Signed{std::nullopt, std::move(*claim), key};
  if (pair->bearer->standing == Standing::valid) {
    return Signed{pair->bearer, std::move(*claim), key};
  }
  bool const late = pair->bearer->standing == Standing::expired;
  return tl::unexpected(unknown_key(late ? "The token of this access key has expired."
                                         : "The token of this access key was revoked."));
}

}  // namespace chisme::web::s3
