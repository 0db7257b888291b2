#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <optional>

#include "cluster/base/identity.hpp"

// Between our endpoints and Asio's. IPv4-mapped addresses become plain IPv4 ones and back.
namespace chisme::node {

[[nodiscard]] asio::ip::address to_address(Endpoint const& endpoint);
[[nodiscard]] asio::ip::tcp::endpoint to_tcp(Endpoint const& endpoint);
[[nodiscard]] asio::ip::udp::endpoint to_udp(Endpoint const& endpoint);
[[nodiscard]] Endpoint from_tcp(asio::ip::tcp::endpoint const& endpoint);

}  // namespace chisme::node
