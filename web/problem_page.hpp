#pragma once

#include <span>

#include "web/http/request.hpp"
#include "web/page/assets.hpp"
#include "web/plan.hpp"

namespace chisme::web {

// The same answer for a person who has nothing but a browser: what happened, in the words of the
// problem, and what to do next. The headers that say more of it stay. REQUIRES: it is a problem.
[[nodiscard]] Reply problem_page(Request const& request, Reply const& problem,
                                 std::span<Asset const> assets);

}  // namespace chisme::web
