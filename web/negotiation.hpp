#pragma once

#include "web/http/request.hpp"

// What a client would rather have (RFC 9110, 12.5).
namespace chisme::web {

// Whether a page suits it better than JSON: browsers say so, and clients that take anything do not.
// Of two types that it likes as much it prefers the one that it names.
[[nodiscard]] bool prefers_html(Request const& request);
// Whether its first language is Spanish.
[[nodiscard]] bool prefers_spanish(Request const& request);

}  // namespace chisme::web
