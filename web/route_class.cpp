#include "web/route_class.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace chisme::web {
namespace {

using Named = std::pair<std::string_view, RouteClass>;

constexpr std::array first_parts = std::to_array<Named>({
    {"files", RouteClass::file},
    {"trash", RouteClass::file},
    {"uploads", RouteClass::upload},
    {"client", RouteClass::file},
    {"redirect", RouteClass::redirect},
    {"route", RouteClass::route},
    {"ws", RouteClass::socket},
    {"cluster", RouteClass::cluster},
    {"metrics", RouteClass::metrics},
    {"healthz", RouteClass::health},
    {"readyz", RouteClass::health},
    {"access", RouteClass::access},
    {"shares", RouteClass::access},
    {"tokens", RouteClass::access},
    {"dav", RouteClass::dav},
    {"s3", RouteClass::s3},
});

constexpr std::array<std::string_view, route_classes> class_names{
    "page",   "list",   "file",    "upload", "redirect", "route", "cluster",
    "access", "health", "metrics", "socket", "dav",      "s3"};

// Of a target that names the server too (RFC 9112, 3.2.2), the path.
std::string_view path_of(std::string_view target) {
  if (target.starts_with('/')) return target;
  std::size_t const scheme_end = target.find("://");
  if (scheme_end == target.npos) return {};
  std::size_t const path = target.find('/', scheme_end + 3);
  return path == target.npos ? std::string_view{} : target.substr(path);
}

}  // namespace

RouteClass class_of(std::string_view target) {
  std::string_view const path = path_of(target);
  if (path.empty()) return RouteClass::page;
  std::string_view const part = path.substr(1, path.find_first_of("/?", 1) - 1);
  auto const found = std::ranges::find(first_parts, part, &Named::first);
  if (found == first_parts.end()) return RouteClass::page;
  bool const is_all = path.size() <= part.size() + 1 || path[part.size() + 1] == '?';
  if (part == "files" && is_all) return RouteClass::list;
  return found->second;
}

std::string_view to_string(RouteClass route) {
  return class_names[static_cast<std::size_t>(route)];
}

}  // namespace chisme::web
