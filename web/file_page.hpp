#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "web/gateway.hpp"

// The list of files for browsers without JavaScript.
namespace chisme::web {

// `text` as HTML that shows it, as content and as a quoted attribute: nothing in it is markup.
[[nodiscard]] std::string html_escaped(std::string_view text);

struct FileListPage {
  FoundFiles const& found;
  FileQuery const& query;
  std::string search;               // as it was typed
  std::optional<std::string> next;  // `after` of the next page
  bool first = true;                // nothing comes before it
  std::string_view style;           // address of a style sheet; may be empty
  bool spanish = false;
};
inline constexpr std::size_t list_page_files = 200;
// A whole document, which needs nothing but that style sheet.
[[nodiscard]] std::string to_html(FileListPage const& page);

}  // namespace chisme::web
