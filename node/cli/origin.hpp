#pragma once

#include <string>
#include <string_view>

#include "cluster/base/result.hpp"

namespace chisme::node::cli {

// Where a node takes clients: "http://127.0.0.1:7701", "https://films.example:7701".
struct Origin {
  std::string host;  // an IPv6 address without its brackets
  std::string port;
  bool secure = false;  // by TLS
  friend auto operator<=>(Origin const&, Origin const&) = default;
};

// A URL in two: where, and what is asked there ("/" when the URL has no path).
struct Location {
  Origin origin;
  std::string target;
};

[[nodiscard]] std::string to_string(Origin const& origin);
// The origin as `Host` has it: "127.0.0.1:7701".
[[nodiscard]] std::string authority_of(Origin const& origin);
// Takes "http://HOST[:PORT]" and "https://HOST[:PORT]" with or without a path. Fault: invalid, with
// a sentence.
[[nodiscard]] Result<Location> parse_location(std::string_view url);
// Percent-encodes all but unreserved characters (RFC 3986, 2.3) and, for a path, "/".
[[nodiscard]] std::string encode_path(std::string_view name);
[[nodiscard]] std::string encode_query(std::string_view value);

}  // namespace chisme::node::cli
