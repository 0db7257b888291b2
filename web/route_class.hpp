#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chisme::web {

// What a request is about, as it is counted: a few classes, whatever clients ask for.
enum class RouteClass : std::uint8_t {
  page,  // the page's files, and what is nowhere
  list,
  file,
  upload,  // resumable ones
  redirect,
  route,
  cluster,
  access,
  health,
  metrics,
  socket,  // WebSocket
  dav,
  s3
};
inline constexpr std::size_t route_classes = 13;

// By the first part of the request's path, as it was received.
[[nodiscard]] RouteClass class_of(std::string_view target);
[[nodiscard]] std::string_view to_string(RouteClass route);

}  // namespace chisme::web
