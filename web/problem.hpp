#pragma once

#include <string>
#include <string_view>

#include "cluster/base/result.hpp"
#include "web/plan.hpp"

namespace chisme::web {

// "Not Found" (RFC 9110, 15); "Status" for a code that nobody here gives.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

// An error as RFC 9457 has it. `detail` says what happened and what to do.
[[nodiscard]] Reply problem(unsigned status, std::string const& detail);

// Tells with a problem, as a member of its own, which request it is the answer to; other answers
// stay as they are. REQUIRES: `id` is to be escaped nowhere.
void add_request_id(Reply& reply, std::string_view id);

// The answer to an error: its fault decides the status, its message becomes the sentence. Status 0
// (close without an answer) for unknown_outcome and cancelled.
[[nodiscard]] Reply problem_of(Error const& error);

}  // namespace chisme::web
