#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "web/gateway.hpp"
#include "web/json.hpp"

// The list of files for browsers without JavaScript.
namespace chisme::web {

struct FileListPage {
  FoundFiles const& found;
  std::span<IncompleteFile const> incomplete = {};  // come before the files
  FileQuery const& query;
  std::string search;               // as it was typed
  std::optional<std::string> next;  // `after` of the next page
  bool first = true;                // nothing comes before it
  std::string_view style;           // address of a style sheet; may be empty
  bool keeps_trash = false;         // then a link leads there
  bool spanish = false;
};
inline constexpr std::size_t list_page_files = 200;
// A whole document.
[[nodiscard]] std::string to_html(FileListPage const& page);

}  // namespace chisme::web
