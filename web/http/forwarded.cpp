#include "web/http/forwarded.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

using ForwardingHops = std::vector<std::optional<Endpoint>>;

// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1".
std::optional<Endpoint> parse_node(std::string_view text) {
  std::string node{text};
  auto endpoint = parse_endpoint(node);
  if (!endpoint) {
    bool const bare_v6 = !node.starts_with('[') && node.find(':') != std::string::npos;
    endpoint = parse_endpoint((bare_v6 ? "[" + node + "]" : node) + ":1");
  }
  if (endpoint) endpoint->port = 0;
  return endpoint;
}

// The elements of all fields of that name, in order; each a hop.
template <class Parse>
ForwardingHops hops_of(Request const& request, std::string_view name, Parse parse) {
  ForwardingHops hops;
  for (Header const& header : request.headers) {
    if (!equal_without_case(header.name, name)) continue;
    for (std::string_view const element : list_elements(header.value)) {
      hops.push_back(parse(element));
    }
  }
  return hops;
}

// `for=` of one element of Forwarded. All of the element must be well-formed: a quote that the
// client opens might otherwise swallow what the proxy adds.
std::optional<Endpoint> forwarded_for(std::string_view element) {
  std::string const first = ";" + std::string{element};
  std::string_view rest = first;
  std::optional<Endpoint> node;
  while (auto const parameter = take_parameter(rest)) {
    if (parameter->name == "for") node = parse_node(parameter->value);
  }
  return rest.empty() ? node : std::nullopt;
}

std::optional<Endpoint> last_stranger(ForwardingHops const& hops,
                                      std::function<bool(Endpoint const&)> const& is_proxy) {
  for (std::size_t i = hops.size(); i-- > 0;) {
    if (!hops[i] || !is_proxy(*hops[i]) || i == 0) return hops[i];
  }
  return std::nullopt;
}

}  // namespace

std::optional<Endpoint> forwarded_client(Request const& request,
                                         std::function<bool(Endpoint const&)> const& is_proxy) {
  ForwardingHops const standard = hops_of(request, "forwarded", forwarded_for);
  ForwardingHops const common = hops_of(request, "x-forwarded-for", parse_node);
  if (common.empty()) return last_stranger(standard, is_proxy);
  auto const client = last_stranger(common, is_proxy);
  if (standard.empty() || last_stranger(standard, is_proxy) == client) return client;
  return std::nullopt;
}

}  // namespace chisme::web
