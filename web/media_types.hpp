#pragma once

#include <string_view>

namespace chisme::web {

// The media type of a file by its name's extension; application/octet-stream when it is unknown.
[[nodiscard]] std::string_view media_type_of(std::string_view name);

// Whether a browser may show it in place: images (not SVG, which is a program), audio, video, PDF
// and plain text.
[[nodiscard]] bool is_shown_inline(std::string_view media_type);

// Whether `text` is `type/subtype` with optional parameters, fit for a header (RFC 9110, 8.3.1), of
// at most 255 bytes.
[[nodiscard]] bool is_media_type(std::string_view text);

}  // namespace chisme::web
