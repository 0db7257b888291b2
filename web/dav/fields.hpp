#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "web/dav/paths.hpp"
#include "web/http/request.hpp"

// The header fields of WebDAV (RFC 4918, 10). Pure. Fault::invalid with a sentence.
namespace chisme::web::dav {

enum class Depth { zero, one, infinity };
[[nodiscard]] Result<Depth> depth_of(Request const& request);  // infinity when it says nothing
// Overwrite: whether what is at the destination may be replaced.
[[nodiscard]] Result<bool> may_overwrite(Request const& request);

// Where COPY and MOVE go to. Fault::unavailable: another server's address.
[[nodiscard]] Result<Path> destination_of(Request const& request);

// For how long a lock is to be good: what was asked for, within these bounds.
inline constexpr std::chrono::seconds lock_life{600};
inline constexpr std::chrono::seconds lock_life_min{5};
inline constexpr std::chrono::seconds lock_life_max{3600};
[[nodiscard]] std::chrono::seconds timeout_of(Request const& request);

// "<urn:uuid:…>" without its brackets; nullopt when it is none.
[[nodiscard]] std::optional<std::string> lock_token_of(Request const& request);

// If (10.4): it is true when one list is, and a list when all of its conditions are.
inline constexpr std::size_t if_conditions_max = 256;
struct IfCondition {
  bool is_negated = false;
  bool is_token = false;  // else an entity tag
  std::string text;       // the token without brackets; the tag with its quotes
};
struct IfList {
  std::optional<std::string> resource;  // the URL that it is about; nullopt: the request's
  std::vector<IfCondition> conditions;
};
[[nodiscard]] Result<std::vector<IfList>> parse_if(std::string_view text);
// All tokens that it names, negated or not, true or not: they are what the client submits.
[[nodiscard]] std::vector<std::string> tokens_in(std::vector<IfList> const& lists);
// `holds` says whether a condition, taken as if it were not negated, is so of a list's resource.
[[nodiscard]] bool is_true(
    std::vector<IfList> const& lists,
    std::function<bool(std::optional<std::string> const&, IfCondition const&)> const& holds);

}  // namespace chisme::web::dav
