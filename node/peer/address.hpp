#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <optional>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"

// Between our endpoints and Asio's. IPv4-mapped addresses become plain IPv4 ones and back.
namespace chisme::node {

[[nodiscard]] asio::ip::address to_address(Endpoint const& endpoint);
[[nodiscard]] asio::ip::tcp::endpoint to_tcp(Endpoint const& endpoint);
[[nodiscard]] asio::ip::udp::endpoint to_udp(Endpoint const& endpoint);
[[nodiscard]] Endpoint from_tcp(asio::ip::tcp::endpoint const& endpoint);

// The address of this machine from which packets to `peer` leave, with port 0. Sends nothing.
// Fault: unavailable, when there is no way there.
[[nodiscard]] Result<Endpoint> own_address_towards(Endpoint const& peer);

}  // namespace chisme::node
