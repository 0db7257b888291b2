#pragma once

#include <optional>
#include <string>

#include "web/gateway.hpp"
#include "web/http/request.hpp"

// Conditional requests (RFC 9110, 13). ETags are strong and made of the SHA-256, so that they are
// the same on every node.
namespace chisme::web {

[[nodiscard]] std::string etag_of(Digest const& digest);

// What a reader's conditions come to.
enum class Precondition { go_on, not_modified, failed };
[[nodiscard]] Precondition evaluate(Request const& request, FileInfo const& file);
// Whether If-Range lets the Range count: it is absent, or names this very file.
[[nodiscard]] bool range_applies(Request const& request, FileInfo const& file);

// A writer's conditions; nullopt when no file could meet them (If-Match with foreign tags alone).
[[nodiscard]] std::optional<Condition> write_condition(Request const& request);
// Whether `file`, the name's current version as known here (nullptr: none), rules the write out.
// A name unknown here may exist elsewhere, so that never rules out `must_exist`.
[[nodiscard]] bool rules_out(Condition const& condition, FileInfo const* file);

}  // namespace chisme::web
