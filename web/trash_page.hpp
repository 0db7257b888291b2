#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "web/gateway.hpp"

// What is in the trash, for browsers without JavaScript: each file with a form that restores it,
// and one that removes it for good.
namespace chisme::web {

struct TrashPage {
  Listing const& listing;            // of names in the trash; what is none is left out
  std::chrono::milliseconds kept{};  // how long removed files stay; 0: there is no trash
  bool first = true;                 // nothing comes before it
  std::string_view style;            // address of a style sheet; may be empty
  bool spanish = false;
};
inline constexpr std::size_t trash_page_files = 200;
// A whole document.
[[nodiscard]] std::string to_html(TrashPage const& page);

}  // namespace chisme::web
