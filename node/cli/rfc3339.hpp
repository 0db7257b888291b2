#pragma once

#include <cstdint>
#include <string>

namespace chisme::node::cli {

// Seconds since 1970 of "2026-11-23T12:00:00.123Z" (RFC 3339, in UTC, whole seconds); 0 of what is
// no such time.
[[nodiscard]] std::int64_t seconds_of(std::string const& rfc3339);

}  // namespace chisme::node::cli
