#pragma once

#include <string>
#include <string_view>

namespace chisme::web {

// `text` as HTML or XML that shows it: nothing in it is markup, and all of it comes back from
// content and from quoted attributes (XML 1.0, 2.4 and 3.3.3; HTML, 13.1.4).
[[nodiscard]] std::string markup_escaped(std::string_view text);

}  // namespace chisme::web
