#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "web/call.hpp"

// Who may ask: the gate before every route.
namespace chisme::web {

// 421 for a Host that is not this node (DNS rebinding: a foreign name that resolves to loopback);
// 403 for a write or a WebSocket from a page that is not of this cluster (CSRF), and for a stored
// file that a page of this node would take for a script or a style.
[[nodiscard]] std::optional<Reply> access_refusal(Gateway& gateway, ServiceSettings const& settings,
                                                  Request const& request, Target const& target);

// The first of these alone.
[[nodiscard]] std::optional<Reply> host_refusal(ServiceSettings const& settings,
                                                Request const& request, Target const& target);

// Adds the headers that let a page of this cluster read the answer (Fetch, CORS); `Vary: Origin`
// always.
void add_cross_origin_headers(Gateway& gateway, ServiceSettings const& settings,
                              Request const& request, Fields& headers);
// Those of the answer to a preflight.
[[nodiscard]] Fields preflight_headers(Gateway& gateway, ServiceSettings const& settings,
                                       Request const& request);

}  // namespace chisme::web
