#pragma once

#include <string>
#include <string_view>

namespace chisme::web {

// `text` with what is special in XML escaped, so that it comes back from content and from quoted
// attributes (XML 1.0, 2.4 and 3.3.3).
[[nodiscard]] std::string xml_escaped(std::string_view text);

}  // namespace chisme::web
