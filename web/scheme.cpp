#include "web/scheme.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view plain_scheme = "http://";
constexpr std::string_view secure_scheme = "https://";

bool has_port(std::string_view authority) {
  std::size_t const bracket = authority.starts_with('[') ? authority.find(']') : 0;
  return bracket != std::string_view::npos &&
         authority.find(':', bracket) != std::string_view::npos;
}

std::string with_port(std::string_view authority, std::string_view port) {
  return std::string{plain_scheme} + std::string{authority} +
         (has_port(authority) ? std::string{} : std::string{port});
}

}  // namespace

std::string as_asked(std::string origin, bool secure) {
  if (secure && origin.starts_with(plain_scheme)) {
    origin.replace(0, plain_scheme.size(), secure_scheme);
  }
  return origin;
}

std::vector<Replica> as_asked(std::vector<Replica> replicas, bool secure) {
  if (!secure) return replicas;
  for (Replica& replica : replicas) replica.http = as_asked(std::move(replica.http), secure);
  return replicas;
}

ClusterStatus as_asked(ClusterStatus status, bool secure) {
  if (!secure) return status;
  for (MemberStatus& member : status.members) {
    member.http = as_asked(std::move(member.http), secure);
  }
  return status;
}

// No text within a string of JSON looks like this, for its quotes are escaped there.
std::string event_as_asked(std::string json, bool secure) {
  constexpr std::string_view told = R"("http":"http://)";
  if (!secure) return json;
  if (auto const at = json.find(told); at != std::string::npos) {
    json.insert(at + told.size() - std::string_view{"://"}.size(), "s");
  }
  return json;
}

std::string as_told(std::string_view origin) {
  if (origin.starts_with(secure_scheme)) {
    return with_port(origin.substr(secure_scheme.size()), ":443");
  }
  if (origin.starts_with(plain_scheme)) {
    return with_port(origin.substr(plain_scheme.size()), ":80");
  }
  return std::string{origin};
}

}  // namespace chisme::web
