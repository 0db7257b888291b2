#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "web/http/request.hpp"
#include "web/plan.hpp"

namespace chisme::node {

// The reason phrase of a status code (RFC 9110, 15); empty for one that is not in use here.
[[nodiscard]] char const* reason_phrase(unsigned status);

// "Mon, 23 Nov 2026 12:00:00 GMT" (RFC 9110, 5.6.7).
[[nodiscard]] std::string http_date(std::time_t time);

struct HeadFacts {
  std::optional<std::uint64_t> content_length;  // nullopt: the status has no content
  bool keep_alive = true;
  bool http_1_0 = false;
  std::string date;
};
// The status line and all header fields of an answer, up to the empty line.
[[nodiscard]] std::string response_head(web::Reply const& reply, HeadFacts const& facts);

// Whether an answer of this status may carry content and a Content-Length (RFC 9110, 8.6).
[[nodiscard]] bool has_content(unsigned status);

}  // namespace chisme::node
