#include "node/http/request_id.hpp"

#include <algorithm>

namespace chisme::node {
namespace {

constexpr std::string_view id_parameter = "&request_id=";

bool is_of_an_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == ':';
}

}  // namespace

RequestId::RequestId(std::uint64_t number) : size_{16} {
  for (std::size_t i = 0; i < size_; ++i) {
    bytes_[i] = "0123456789abcdef"[(number >> (60 - 4 * i)) & 15];
  }
}

std::optional<RequestId> RequestId::parse(std::string_view text) {
  if (text.empty() || text.size() > bytes_max) return std::nullopt;
  if (!std::ranges::all_of(text, is_of_an_id)) return std::nullopt;
  RequestId id;
  std::ranges::copy(text, id.bytes_.begin());
  id.size_ = static_cast<std::uint8_t>(text.size());
  return id;
}

std::optional<RequestId> said_request_id(web::Request const& request) {
  if (auto const field = request.header("x-request-id")) return RequestId::parse(*field);
  std::string_view const target = request.target;
  std::size_t const at = target.rfind(id_parameter);
  if (at == target.npos) return std::nullopt;
  std::string_view const rest = target.substr(at + id_parameter.size());
  return RequestId::parse(rest.substr(0, rest.find('&')));
}

std::string with_request_id(std::string_view location, RequestId const& id) {
  std::string longer{location};
  return longer.append(id_parameter).append(id.text());
}

}  // namespace chisme::node
