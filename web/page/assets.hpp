#pragma once

#include <span>
#include <string_view>

namespace chisme::web {

// One file of the page, embedded in the program.
struct Asset {
  std::string_view path;  // "/", "/page.js"
  std::string_view type;  // "text/html; charset=utf-8"
  std::string_view body;  // as it is
  std::string_view gzip;  // the same compressed; empty when there is none
  std::string_view etag;  // with its quotes; changes with the body
};

// All of them; "/" is the page itself. Empty when the program was built without the page.
[[nodiscard]] std::span<Asset const> assets();

}  // namespace chisme::web
