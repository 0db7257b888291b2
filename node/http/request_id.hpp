#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "web/http/request.hpp"

namespace chisme::node {

// RequestId names one request in answers and logs: what the client said in `X-Request-Id`, if that
// is 1 to 64 letters, digits or `-_.:`, else one that is made. It needs no escape in JSON, a header
// or an address, and takes no memory of its own.
class RequestId {
 public:
  static constexpr std::size_t bytes_max = 64;

  // 16 hex digits.
  explicit RequestId(std::uint64_t number = 0);
  // nullopt: it is not well formed.
  [[nodiscard]] static std::optional<RequestId> parse(std::string_view text);
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, bytes_max> bytes_{};
  std::uint8_t size_ = 0;
};

// What the client says that its request is called: in the header or, after a redirect, whose client
// may not have known a name for it, in the address (`with_request_id`). nullopt: nothing, or
// nothing well formed.
[[nodiscard]] std::optional<RequestId> said_request_id(web::Request const& request);
// The address of a redirect to another node, which is to know the request by the same name.
[[nodiscard]] std::string with_request_id(std::string_view location, RequestId const& id);

}  // namespace chisme::node
