#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "web/http/request.hpp"
#include "web/plan.hpp"

namespace chisme::web {

struct Call;

// What a request must show to be let through (gate.hpp). A route that does not say is closed.
enum class Needs : std::uint8_t { unstated, nothing, read, write, admin };

using Handler = Plan (*)(Call const&);

struct Route {
  std::string_view path;  // with a final `/` it is a prefix, and the rest is the call's
  Method method;
  Handler handler;
  Needs needs = Needs::unstated;
  bool takes_links = false;  // a share link to the file that it asks for opens it, too
};

// All that Service knows besides the page's files. GET answers HEAD too: the connection sends no
// body then.
[[nodiscard]] std::span<Route const> routes();

[[nodiscard]] bool matches(Route const& route, std::string_view path);
// nullptr: there is none for this method.
[[nodiscard]] Route const* find_route(std::string_view path, Method method);
// What is behind the route's path.
[[nodiscard]] std::string_view rest_of(Route const& route, std::string_view path);

}  // namespace chisme::web
