#include "node/peer/address.hpp"

#include <algorithm>
#include <asio/io_context.hpp>

namespace chisme::node {

asio::ip::address to_address(Endpoint const& endpoint) {
  asio::ip::address_v6::bytes_type bytes{};
  std::ranges::copy(endpoint.address, bytes.begin());
  asio::ip::address_v6 const address{bytes};
  if (!address.is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address);
}

asio::ip::tcp::endpoint to_tcp(Endpoint const& endpoint) {
  return {to_address(endpoint), endpoint.port};
}

asio::ip::udp::endpoint to_udp(Endpoint const& endpoint) {
  return {to_address(endpoint), endpoint.port};
}

Endpoint from_tcp(asio::ip::tcp::endpoint const& endpoint) {
  auto const address = endpoint.address();
  auto const bytes =
      address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes()
                      : address.to_v6().to_bytes();
  Endpoint result;
  std::ranges::copy(bytes, result.address.begin());
  result.port = endpoint.port();
  return result;
}

Result<Endpoint> own_address_towards(Endpoint const& peer) {
  asio::io_context loop;
  asio::ip::udp::socket socket{loop};
  asio::error_code error;
  socket.connect(to_udp(peer), error);
  auto const local = error ? asio::ip::udp::endpoint{} : socket.local_endpoint(error);
  if (error) {
    return fail(Fault::unavailable,
                "there is no way to " + to_string(peer) + ": " + error.message(), error.value());
  }
  return from_tcp({local.address(), 0});
}

}  // namespace chisme::node
