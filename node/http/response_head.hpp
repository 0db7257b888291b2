#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "web/http/request.hpp"
#include "web/plan.hpp"

namespace chisme::node {

struct HeadFacts {
  std::optional<std::uint64_t> content_length;  // nullopt: the status has no content
  bool keep_alive = true;
  bool http_1_0 = false;
  std::string date;
  std::string_view request_id{};  // empty: none is told
};
// The status line and all header fields of an answer, up to the empty line.
[[nodiscard]] std::string response_head(web::Reply const& reply, HeadFacts const& facts);

// Whether an answer of this status may carry content and a Content-Length (RFC 9110, 8.6).
[[nodiscard]] bool has_content(unsigned status);

}  // namespace chisme::node
