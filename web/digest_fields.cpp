#include "web/digest_fields.hpp"

#include <algorithm>

#include "web/base64.hpp"
#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

std::optional<Digest> digest_of_base64(std::string_view text) {
  auto const bytes = base64_decoded(text);
  Digest digest;
  if (!bytes || bytes->size() != digest.bytes.size()) return std::nullopt;
  std::ranges::copy(*bytes, digest.bytes.begin());
  return digest;
}

}  // namespace

std::string base64(Digest const& digest) {
  return base64_encoded(digest.bytes);
}

std::string repr_digest(Digest const& digest) {
  return "sha-256=:" + base64(digest) + ":";
}

Result<std::optional<Digest>> parse_digest_field(std::string_view field) {
  std::optional<Digest> found;
  for (std::string_view const element : list_elements(field)) {
    std::size_t const equals = element.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equal_without_case(trimmed(element.substr(0, equals)), "sha-256")) continue;
    std::string_view const value = trimmed(element.substr(equals + 1));
    bool const delimited = value.size() >= 2 && value.front() == ':' && value.back() == ':';
    if (delimited) found = digest_of_base64(value.substr(1, value.size() - 2));
    if (!delimited || !found) {
      return fail(Fault::invalid, "the announced sha-256 is not 32 bytes in base64 between colons");
    }
  }
  return found;
}

Result<std::optional<Digest>> announced_digest(Request const& request) {
  std::optional<Digest> announced;
  for (Header const& header : request.headers) {
    bool const relevant = equal_without_case(header.name, "repr-digest") ||
                          equal_without_case(header.name, "content-digest");
    if (!relevant) continue;
    auto const digest = parse_digest_field(header.value);
    if (!digest) return digest;
    if (announced && *digest && *announced != **digest) {
      return fail(Fault::invalid, "the announced digests differ");
    }
    if (*digest) announced = *digest;
  }
  return announced;
}

}  // namespace chisme::web
