#pragma once

#include <functional>
#include <optional>

#include "cluster/base/identity.hpp"
#include "web/http/request.hpp"

namespace chisme::web {

// The address of the client for whom a proxy forwards this request, by `Forwarded` (RFC 7239) or
// `X-Forwarded-For`: going back from the last hop, the first that is not a proxy that is trusted.
// What stands before it anybody may have written.
//
// nullopt when it is not told, or hidden ("unknown", "_name"), or when both fields are there and
// differ: then the proxy knows only one of them, and the client wrote the other. The port is 0.
[[nodiscard]] std::optional<Endpoint> forwarded_client(
    Request const& request, std::function<bool(Endpoint const&)> const& is_proxy);

}  // namespace chisme::web
