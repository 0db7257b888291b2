#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "web/gateway.hpp"

// Nodes tell each other addresses, not whether their clients speak TLS: a client is told URLs with
// the scheme that it uses itself. All nodes of a cluster have a certificate, or none has.
namespace chisme::web {

// "http://127.0.0.1:7702" as it is, or as "https://127.0.0.1:7702".
[[nodiscard]] std::string as_asked(std::string origin, bool secure);
[[nodiscard]] std::vector<Replica> as_asked(std::vector<Replica> replicas, bool secure);
[[nodiscard]] ClusterStatus as_asked(ClusterStatus status, bool secure);
// The JSON of a ClusterEvent, whose member "http" is an origin.
[[nodiscard]] std::string event_as_asked(std::string json, bool secure);

// The other way: an origin of either scheme as nodes tell it, with a port; what is none stays.
[[nodiscard]] std::string as_told(std::string_view origin);

}  // namespace chisme::web
